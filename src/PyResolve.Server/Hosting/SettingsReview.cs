using System.Net;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;

namespace PyResolve.Server.Hosting;

/// <summary>Warns at start of settings that are valid and yet probably not meant.</summary>
internal sealed partial class SettingsReview(
    IConfiguration configuration, ServerOptions options, IServer server, PublicUrl publicUrl, IHostEnvironment environment,
    IOptions<ForwardedHeadersOptions> forwarded, ILogger<SettingsReview> logger) : IHostedLifecycleService
{
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        foreach (var (name, nearest) in KnownSettings.FindUnknown(configuration))
            Log.Unknown(logger, name, nearest);
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Only now is it known where the server listens.</summary>
    public Task StartedAsync(CancellationToken cancellationToken)
    {
        var addresses = server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];
        if (environment.IsProduction() && options.PublicUrl is null && addresses.FirstOrDefault(IsPublic) is { } address)
            Log.NoPublicUrl(logger, address, publicUrl.Value);
        if (forwarded.Value.ForwardedHeaders is ForwardedHeaders.None
            && addresses.FirstOrDefault(static one => BindingAddress.Parse(one).IsUnixPipe) is { } socket)
            Log.SharedLimits(logger, socket);
        return Task.CompletedTask;
    }

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <param name="address">A valid one.</param>
    public static bool IsPublic(string address)
    {
        var parsed = BindingAddress.Parse(address);
        return !parsed.IsUnixPipe
            && !parsed.Host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
            && !(IPAddress.TryParse(parsed.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));
    }

    private static partial class Log
    {
        [LoggerMessage(1, LogLevel.Warning, "The setting {Name} is not known, and has no effect. Did you mean {Nearest}?")]
        public static partial void Unknown(ILogger logger, string name, string nearest);

        [LoggerMessage(
            2, LogLevel.Warning,
            "PYRESOLVE_PUBLIC_URL is not set, and the server listens on {Address} for other machines: emails, links and leases will say "
            + "{PublicUrl}. Set PYRESOLVE_PUBLIC_URL to the address under which people reach it, such as https://billing.example.com")]
        public static partial void NoPublicUrl(ILogger logger, string address, string publicUrl);

        [LoggerMessage(
            3, LogLevel.Warning,
            "The server listens on {Address}, whose clients have no network address: together they have the limits of one client, such as "
            + "100 failed logins in 15 minutes. Set PyResolve:TrustedProxies, for example to 127.0.0.1, to count each by the "
            + "X-Forwarded-For of the proxy")]
        public static partial void SharedLimits(ILogger logger, string address);
    }
}
