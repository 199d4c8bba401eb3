using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace PyResolve.Server.Hosting;

/// <summary>As configured, otherwise the address that the server listens on. Never taken from a request's Host header.</summary>
internal sealed class PublicUrl(ServerOptions options, IServer server)
{
    private string? _value;

    /// <summary>Without a slash at its end.</summary>
    public string Value => _value ??= options.PublicUrl?.ToString().TrimEnd('/') ?? Reachable(First);

    /// <summary>For other programs on this machine, which bypass any proxy in front of it. Without a slash at its end.</summary>
    public string OnThisMachine =>
        Reachable(Addresses.FirstOrDefault(static address => address.StartsWith("http:", StringComparison.Ordinal)) ?? First);

    public string Upgrade => options.UpgradeUrl?.ToString() ?? $"{Value}/pricing";

    private ICollection<string> Addresses => server.Features.Get<IServerAddressesFeature>()?.Addresses ?? [];

    private string First => Addresses.FirstOrDefault() ?? "http://localhost:8000";

    private static string Reachable(string address) => address
        .Replace("://[::]", "://localhost", StringComparison.Ordinal)
        .Replace("://0.0.0.0", "://localhost", StringComparison.Ordinal)
        .Replace("://+", "://localhost", StringComparison.Ordinal)
        .Replace("://*", "://localhost", StringComparison.Ordinal)
        .TrimEnd('/');
}
