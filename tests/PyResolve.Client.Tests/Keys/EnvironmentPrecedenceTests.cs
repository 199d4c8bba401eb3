namespace PyResolve.Client.Tests.Keys;

[Collection(nameof(EnvironmentTests))]
public sealed class EnvironmentPrecedenceTests : IDisposable
{
    private readonly TemporaryHome _home = new();
    private readonly ProcessEnvironment _environment = new();

    public void Dispose()
    {
        _environment.Dispose();
        _home.Dispose();
    }

    [Fact]
    public void The_environment_comes_before_the_file()
    {
        _home.Config = "api_key = 'pyr_live_file'\napi_url = 'https://file.example'\n";
        _environment.Set("PYRESOLVE_API_KEY", " pyr_live_environment\n");
        _environment.Set("PYRESOLVE_API_URL", "https://environment.example");

        _home.Store.FindApiKey().ShouldBe(new("pyr_live_environment", SettingSource.Environment, _home.ConfigPath));
        _home.Store.FindApiUrl().ShouldBe(new(new("https://environment.example"), SettingSource.Environment, _home.ConfigPath));
    }

    [Fact]
    public void An_empty_variable_is_ignored()
    {
        _home.Config = "api_key = 'pyr_live_file'\n";
        _environment.Set("PYRESOLVE_API_KEY", "  ");

        _home.Store.FindApiKey().ShouldNotBeNull().Source.ShouldBe(SettingSource.ConfigFile);
    }

    [Fact]
    public void The_home_variable_moves_the_file()
    {
        _environment.Set("PYRESOLVE_HOME", _home.Path);

        new ApiKeyStore().ConfigPath.ShouldBe(_home.ConfigPath);
    }

    [Fact]
    public async Task Options_come_before_the_environment()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("GET /quota", Answer.Quota(0));
        _environment.Set("PYRESOLVE_API_KEY", "pyr_live_environment");
        _environment.Set("PYRESOLVE_API_URL", "https://environment.example");
        await using var client = server.Client();

        await client.GetQuotaAsync(TestContext.Current.CancellationToken);

        client.ApiUrl.ShouldBe(server.Url);
        server.Requests.Single().Header("X-API-Key").ShouldBe(ScriptedServer.Key);
    }

    [Theory]
    [InlineData("PYRESOLVE_API_URL", "not a url", "PYRESOLVE_API_URL is not an absolute")]
    [InlineData("PYRESOLVE_API_URL", "ftp://example.com", "PYRESOLVE_API_URL is not an absolute http or https URL")]
    [InlineData("PYRESOLVE_API_URL", "http://example.com", "PYRESOLVE_API_URL would send the key unencrypted to example.com")]
    [InlineData("PYRESOLVE_API_KEY", "pyr_live_smart’quote", "PYRESOLVE_API_KEY has characters that are not valid in a key")]
    public void An_invalid_variable_is_named_without_its_value(string name, string value, string message)
    {
        _environment.Set(name, value);

        var exception = Should.Throw<PyResolveException>(() => PyResolveClient.Create(new() { Home = _home.Path }));

        exception.Code.ShouldBe(PyResolveErrorCodes.InvalidConfiguration);
        exception.Message.ShouldStartWith(message);
        exception.Message.ShouldNotContain(value);
        exception.Message.ShouldNotContain("smart");
    }
}
