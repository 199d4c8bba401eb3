using System.Globalization;
using System.Net;
using Microsoft.Extensions.Configuration;

namespace PyResolve.Client;

/// <summary>What the configuration's section <c>PyResolve</c> may say, with messages that show how to write it and never quote a value,
/// because an address may contain a password.</summary>
internal static class SectionRules
{
    private static readonly string[] Durations =
    [
        nameof(PyResolveClientOptions.RequestTimeout), nameof(PyResolveClientOptions.ConnectTimeout),
        nameof(PyResolveClientOptions.QuotaCacheDuration), nameof(PyResolveClientOptions.ShutdownTimeout),
        nameof(PyResolveClientOptions.PrepaidLifetime),
    ];

    private static readonly string[] ProxySchemes = ["http", "https", "socks4", "socks4a", "socks5"];

    public static IReadOnlyList<string> Errors(IConfigurationSection section)
    {
        var errors = Durations
            .Where(name => section[name] is { Length: > 0 } text && !TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out _))
            .Select(name => $"{section.Path}:{name} is no time span. {ClientSettings.HowToWriteDurations}")
            .ToList();
        if (ProxyText(section) is { } proxy && ProxyAddress(proxy) is null)
            errors.Add($"{section.Path}:Proxy is no proxy's address. Write it as http://proxy.example:3128.");
        return errors;
    }

    public static IWebProxy? Proxy(IConfigurationSection section) =>
        ProxyText(section) is { } text && ProxyAddress(text) is { } address ? new WebProxy(address) : null;

    private static string? ProxyText(IConfigurationSection section) =>
        section[nameof(PyResolveClientOptions.Proxy)]?.Trim() is { Length: > 0 } text ? text : null;

    private static Uri? ProxyAddress(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && ProxySchemes.Contains(url.Scheme) && url.Host.Length > 0 ? url : null;
}
