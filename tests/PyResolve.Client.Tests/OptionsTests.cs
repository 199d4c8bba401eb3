namespace PyResolve.Client.Tests;

public sealed class OptionsTests
{
    [Fact]
    public async Task Without_any_setting_the_public_server_is_asked()
    {
        await using var client = PyResolveClient.Create();

        client.ApiUrl.ShouldBe(new Uri("https://api.pyresolve.dev"));
    }

    [Theory]
    [InlineData("http://localhost:8000")]
    [InlineData("http://127.0.0.1:8000")]
    [InlineData("http://[::1]:8000")]
    [InlineData("https://billing.example/base/")]
    public void A_safe_server_is_accepted(string url) => Create(new() { ApiUrl = new(url) }).Dispose();

    [Theory]
    [InlineData("http://billing.example", "use https")]
    [InlineData("https://user:password@billing.example", "user name")]
    [InlineData("https://billing.example?x=1", "query")]
    [InlineData("file:///etc/passwd", "absolute http or https")]
    public void An_unsafe_server_is_refused(string url, string fix) =>
        Should.Throw<PyResolveException>(() => Create(new() { ApiUrl = new(url) })).Message.ShouldContain(fix);

    [Fact]
    public void Plain_http_to_another_host_must_be_allowed() =>
        Create(new() { ApiUrl = new("http://billing.example"), AllowInsecureHttp = true }).Dispose();

    [Fact]
    public void Numbers_out_of_range_are_refused()
    {
        Should.Throw<PyResolveException>(() => Create(new() { RequestTimeout = TimeSpan.Zero })).Message.ShouldContain("RequestTimeout");
        Should.Throw<PyResolveException>(() => Create(new() { OutboxCapacity = 0 })).Message.ShouldContain("OutboxCapacity");
        Should.Throw<PyResolveException>(() => Create(new() { ShutdownTimeout = TimeSpan.FromHours(1) }))
            .Message.ShouldContain("ShutdownTimeout");
        Should.Throw<PyResolveException>(() => Create(new() { PrepaidMigrations = 1001 })).Message.ShouldContain("PrepaidMigrations");
        Should.Throw<PyResolveException>(() => Create(new() { PrepaidLifetime = TimeSpan.FromDays(8) }))
            .Message.ShouldContain("PrepaidLifetime");
        Should.Throw<PyResolveException>(() => Create(new() { Offline = (OfflinePolicy)7 })).Message.ShouldContain("Lease, Allow or Deny");
        Should.Throw<PyResolveException>(() => Create(new() { ApiKey = "pyr_live_\u00e9" })).Message.ShouldNotContain("\u00e9");
    }

    [Fact]
    public void A_malformed_config_file_is_named_when_the_client_is_created()
    {
        using var home = new TemporaryHome { Config = "api_key = unquoted" };

        Should.Throw<ConfigFileException>(() => Create(new() { Home = home.Path })).Line.ShouldBe(1);
    }

    private static PyResolveClient Create(PyResolveClientOptions options) => PyResolveClient.Create(options);
}
