using System.Globalization;
using System.Net;

namespace PyResolve.Server.Hosting;

internal static class ListeningAddress
{
    private const string Default = "http://localhost:8000";
    private const string Endpoints = "Kestrel:Endpoints";

    /// <summary>
    /// ASP.NET Core's own setting, else <c>PORT</c> on every address as hosting services expect, else localhost:8000. <c>PORT</c> comes
    /// before <c>http_ports</c>, which .NET's own images set.
    /// </summary>
    /// <exception cref="InvalidConfigurationException">An address is not valid.</exception>
    public static void UseListeningAddress(this IWebHostBuilder web, IConfiguration configuration)
    {
        if (Read(configuration).FirstOrDefault(static one => !IsValid(one.Address)) is { Setting: { } setting, Text: var text })
        {
            throw new InvalidConfigurationException(setting is "PORT" or "HTTP_PORTS"
                ? $"{setting} is {ServerOptions.Quote(text)}; it is a number from 0 to 65535."
                : $"{setting} is {ServerOptions.Quote(text)}; it lists whole addresses without a path, such as {Suggest(text)}.");
        }

        if (configuration["urls"] is not null || configuration.GetSection(Endpoints).Exists())
            return;
        if (configuration["PORT"] is { Length: > 0 } port)
            web.UseUrls($"http://*:{port}");
        else if (configuration["http_ports"] is null)
            web.UseUrls(Default);
    }

    /// <summary>Where a server with these settings listens.</summary>
    public static IReadOnlyList<string> Of(IConfiguration configuration) =>
        Read(configuration) is { Count: > 0 } set ? [.. set.Select(static one => one.Address)] : [Default];

    /// <summary>Kestrel takes what is no port for a part of the host's name, and listens on port 80 of every address.</summary>
    public static bool IsValid(string address)
    {
        BindingAddress parsed;
        try
        {
            parsed = BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            return false;
        }

        if (parsed.IsUnixPipe || parsed.IsNamedPipe)
            return true;
        return parsed is { Scheme: "http" or "https", PathBase.Length: 0, Port: >= 0 and <= ushort.MaxValue } && IsHost(parsed.Host);
    }

    private static bool IsHost(string host) => host.AsSpan().IndexOfAny("[]:") < 0
        || (host is ['[', .. var address, ']'] && IPAddress.TryParse(address, out _));

    /// <summary>By the first setting that is set, in the order in which they count. <c>Text</c>: as it was written.</summary>
    private static List<SetAddress> Read(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection(Endpoints).GetChildren()
            .Where(static one => one["Url"] is not null)
            .Select(static one => new SetAddress($"{one.Path}:Url", one["Url"]!, one["Url"]!))
            .ToList();
        return endpoints.Count > 0 ? endpoints
            : configuration["urls"] is { Length: > 0 } urls ? List("URLS", urls)
            : configuration["PORT"] is { Length: > 0 } port ? [OnPort(new SetAddress("PORT", port, port))]
            : configuration["http_ports"] is { Length: > 0 } ports ? [.. List("HTTP_PORTS", ports).Select(OnPort)]
            : [];

        static List<SetAddress> List(string setting, string values) =>
            [.. values.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(one => new SetAddress(setting, one, one))];

        static SetAddress OnPort(SetAddress one) => one with { Address = $"http://*:{one.Text}" };
    }

    /// <summary>What was probably meant.</summary>
    private static string Suggest(string text)
    {
        var port = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        var meant = port ? $"http://localhost:{text}" : $"http://{text}";
        return ServerOptions.Quote(text).StartsWith('\'') && IsValid(meant) ? meant : Default;
    }

    private sealed record SetAddress(string Setting, string Text, string Address);
}
