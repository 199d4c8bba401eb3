using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.Extensions.Options;
using PyResolve.Client;
using PyResolve.Server.Hosting;

namespace PyResolve.Server.Doctor;

/// <summary>Settings that are valid and yet not meant. Invalid ones are found before, when they are read.</summary>
internal sealed class SettingsCheck(
    IConfiguration configuration, ServerOptions options, IHostEnvironment environment, IOptions<ForwardedHeadersOptions> forwarded,
    ProxyCheck proxy)
{
    private const string About = "Settings";
    private const string AboutAddress = "Address";

    public IReadOnlyList<Finding> Run()
    {
        var findings = new List<Finding>();
        foreach (var (name, nearest) in KnownSettings.FindUnknown(configuration))
        {
            findings.Add(new(
                About, HealthState.Bad, $"{name} is not known, and has no effect.", $"Did you mean {nearest}? Else remove it."));
        }

        if (findings.Count == 0)
            findings.Add(new(About, HealthState.Good, "Every setting that is set is known."));
        findings.Add(CheckAddress());
        if (CheckProxies() is { } proxies)
            findings.Add(proxies);
        findings.AddRange(CheckKeys());
        return findings;
    }

    private Finding CheckAddress()
    {
        if (options.PublicUrl is not { } url)
        {
            return environment.IsProduction() && ListeningAddress.Of(configuration).Any(SettingsReview.IsPublic)
                ? new(
                    AboutAddress, HealthState.Bad,
                    "PYRESOLVE_PUBLIC_URL is not set, and the server listens for other machines: links in emails lead to the wrong place.",
                    "Set PYRESOLVE_PUBLIC_URL to the address under which people reach the server, such as https://billing.example.com.")
                : new(AboutAddress, HealthState.Good, "The server is reached on this machine alone.");
        }

        return url.Scheme == Uri.UriSchemeHttps || Loopback.Is(url)
            ? new(AboutAddress, HealthState.Good, $"People reach the server at {url}")
            : new(
                AboutAddress, HealthState.Bad,
                $"PYRESOLVE_PUBLIC_URL is {url}, without TLS: passwords and keys cross the network in clear text.",
                "Put a proxy with TLS in front of the server, and set PYRESOLVE_PUBLIC_URL to its https address.");
    }

    private Finding? CheckProxies()
    {
        const string Setting = TrustedProxies.Setting;
        if (forwarded.Value.KnownIPNetworks.Any(static network => network.PrefixLength == 0))
        {
            return new(
                "Proxy", HealthState.Bad, $"{Setting} trusts every address: anybody may claim to come from another one.",
                $"Set {Setting} to the proxy's own address or network.");
        }

        return proxy.IsBehindProxy && forwarded.Value.ForwardedHeaders is ForwardedHeaders.None
            ? new(
                "Proxy", HealthState.Bad,
                "The public address is https and the server listens on http, so a proxy is in front of it, and none is trusted: all people "
                + "together have the limits of one.",
                $"Set {Setting} to the proxy's address, such as 127.0.0.1, and let the proxy send X-Forwarded-For and X-Forwarded-Proto.")
            : null;
    }

    private IEnumerable<Finding> CheckKeys()
    {
        if (options.DatabaseUrl is null)
            yield break;
        if (ServerOptions.Text(configuration, "PYRESOLVE_LEASE_KEY") is null)
        {
            yield return new(
                "Keys", HealthState.Look, "PYRESOLVE_LEASE_KEY is not set: clients get no leases, and cannot work offline.",
                "Make a key with: openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256");
        }

        if (ServerOptions.Text(configuration, EncryptionKeys.Setting) is null)
        {
            yield return new(
                "Keys", HealthState.Look, $"{EncryptionKeys.Setting} is not set: the secrets of second factors are not encrypted.",
                "Make a key with: openssl rand -base64 32");
        }
    }
}
