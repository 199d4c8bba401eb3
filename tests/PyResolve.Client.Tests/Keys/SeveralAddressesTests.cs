using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace PyResolve.Client.Tests.Keys;

/// <summary>Several addresses of one service in options, environment, file and configuration.</summary>
[Collection(nameof(EnvironmentTests))]
public sealed class SeveralAddressesTests : IDisposable
{
    private static readonly Uri[] Both = [new("https://a.example"), new("https://b.example/base")];

    private readonly TemporaryHome _home = new();
    private readonly ProcessEnvironment _environment = new();

    public void Dispose()
    {
        _environment.Dispose();
        _home.Dispose();
    }

    [Theory]
    [InlineData("https://a.example,https://b.example/base")]
    [InlineData(" https://a.example , https://b.example/base, ")]
    public async Task They_are_separated_by_commas_in_the_environment_the_file_and_the_configuration(string text)
    {
        _home.Config = $"api_url = '{text}'\n";
        _home.Store.FindApiUrl().ShouldNotBeNull().Urls.ShouldBe(Both);
        _environment.Set("PYRESOLVE_API_URL", text);
        await using var client = PyResolveClient.Create(new() { Home = _home.Path });
        client.ApiUrls.ShouldBe(Both);

        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(new ConfigurationBuilder()
            .AddInMemoryCollection([new("PyResolve:ApiUrl", text), new("PyResolve:Home", _home.Path)]).Build());
        services.AddPyResolveClient();
        await using var provider = services.BuildServiceProvider();
        provider.GetRequiredService<PyResolveClient>().ApiUrls.ShouldBe(Both);
    }

    [Fact]
    public void They_are_saved_with_a_key()
    {
        _home.Store.SaveWithServers("pyr_live_key", Both);

        var found = _home.Store.FindApiUrl().ShouldNotBeNull();
        (found.Url, found.Source).ShouldBe((Both[0], SettingSource.ConfigFile));
        found.Urls.ShouldBe(Both);
        found.ToString().ShouldStartWith("https://a.example/, https://b.example/base from api_url in ");
        _home.Store.FindApiUrl().ShouldBe(found);
    }

    [Fact]
    public void An_address_stands_for_a_list_of_one()
    {
        var options = new PyResolveClientOptions { ApiUrls = Both };
        options.ApiUrl.ShouldBe(Both[0]);

        options.ApiUrl = Both[1];

        options.ApiUrls.ShouldBe([Both[1]]);
    }

    [Theory]
    [InlineData("https://a.example,billing", "PYRESOLVE_API_URL, address 2 of 2, is not an absolute")]
    [InlineData("https://a.example,ftp://b.example,https://c.example", "PYRESOLVE_API_URL, address 2 of 3, is not an absolute")]
    [InlineData("https://a.example,http://b.example", "PYRESOLVE_API_URL, address 2 of 2, would send the key unencrypted to b.example")]
    [InlineData("https://a.example,https://user:password@b.example", "PYRESOLVE_API_URL, address 2 of 2, has a user name")]
    public void A_bad_address_is_named_by_its_place(string text, string message)
    {
        _environment.Set("PYRESOLVE_API_URL", text);

        var exception = Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = _home.Path }));

        exception.Message.ShouldStartWith(message);
        exception.Message.ShouldNotContain("password");
    }

    [Fact]
    public void An_empty_list_and_an_empty_place_are_refused()
    {
        Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = _home.Path, ApiUrls = [] }))
            .Message.ShouldContain("ApiUrls is empty");
        Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = _home.Path, ApiUrls = [Both[0], null!] }))
            .Message.ShouldContain("address 2 of 2");
    }

    [Fact]
    public async Task The_same_address_twice_is_one_server_and_a_list_without_any_is_none()
    {
        await using var client = PyResolveClient.Create(new() { Home = _home.Path, ApiUrls = [Both[0], new("https://a.example/")] });
        client.ApiUrls.ShouldBe([Both[0]]);

        _environment.Set("PYRESOLVE_API_URL", " , ");
        _home.Store.FindApiUrl().ShouldBeNull();
    }
}
