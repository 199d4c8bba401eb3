using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace PyResolve.Client.Tests.Network;

/// <summary>Values in configuration that are not what their author meant.</summary>
public sealed class DurationTests
{
    [Theory]
    [InlineData("RequestTimeout", "10", "is 10 days")]
    [InlineData("ConnectTimeout", "3", "is 3 days")]
    [InlineData("QuotaCacheDuration", "5", "is 5 days")]
    [InlineData("ShutdownTimeout", "2", "is 2 days")]
    [InlineData("PrepaidLifetime", "60", "is 60 days")]
    [InlineData("RequestTimeout", "10s", "cannot be read")]
    [InlineData("ConnectTimeout", "00:00:99", "cannot be read")]
    [InlineData("ShutdownTimeout", "five", "cannot be read")]
    [InlineData("RequestTimeout", "-00:00:10", "must be more than zero")]
    public void Seconds_that_are_read_as_days_are_refused_with_how_to_write_ten_seconds(string option, string value, string why)
    {
        var failure = Should.Throw<OptionsValidationException>(() => Resolve(option, value));

        failure.Message.ShouldContain(option);
        failure.Message.ShouldContain(why);
        failure.Message.ShouldContain("00:00:10");
    }

    [Fact]
    public void The_form_that_the_message_shows_is_read()
    {
        using var provider = Build("RequestTimeout", "00:00:10");

        provider.GetRequiredService<IOptions<PyResolveClientOptions>>().Value.RequestTimeout.ShouldBe(TimeSpan.FromSeconds(10));
    }

    [Theory]
    [InlineData("OutboxCapacity", "s3cret")]
    [InlineData("Offline", "s3cret")]
    [InlineData("Proxy", "bob:s3cret@proxy")]
    [InlineData("Proxy", "ftp://bob:s3cret@proxy:21")]
    public void A_value_that_cannot_be_read_is_named_and_not_quoted(string option, string value)
    {
        var failure = Should.Throw<OptionsValidationException>(() => Resolve(option, value));

        failure.Message.ShouldContain($"PyResolve:{option}");
        failure.ToString().ShouldNotContain("s3cret");
    }

    [Fact]
    public void A_proxy_in_configuration_is_an_address()
    {
        using var provider = Build("Proxy", "http://proxy.example:3128");

        provider.GetRequiredService<IOptions<PyResolveClientOptions>>().Value.Proxy.ShouldNotBeNull()
            .GetProxy(new("https://billing.example")).ShouldBe(new Uri("http://proxy.example:3128"));
    }

    private static void Resolve(string option, string value)
    {
        using var provider = Build(option, value);
        provider.GetRequiredService<PyResolveClient>();
    }

    private static ServiceProvider Build(string option, string value)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(new Dictionary<string, string?> { [$"PyResolve:{option}"] = value })
            .Build();
        var services = new ServiceCollection();
        services.AddSingleton<IConfiguration>(configuration);
        services.AddPyResolveClient();
        return services.BuildServiceProvider();
    }
}
