using System.Globalization;
using System.Net;
using System.Text;

namespace PyResolve.Server.Hosting;

internal static class ListeningAddress
{
    /// <summary>What is wrong with an address with https, after it.</summary>
    public const string IsNotHttp = "is not http://. A proxy in front of the server takes https.";

    private const string Default = "http://localhost:8000";
    private const string Endpoints = "Kestrel:Endpoints";
    private const string InEnvironment = "ASPNETCORE_URLS";
    private const string Port = "PORT";

    /// <summary>Of the path of a Unix socket, in bytes.</summary>
    private const int MaxSocketPath = 108;

    /// <summary>
    /// ASP.NET Core's own setting, else <c>PORT</c> on every address as hosting services expect, else localhost:8000. <c>PORT</c> comes
    /// before <c>http_ports</c>, which .NET's own images set.
    /// </summary>
    /// <exception cref="InvalidConfigurationException">An address is not valid.</exception>
    public static void UseListeningAddress(this IWebHostBuilder web, IConfiguration configuration)
    {
        var addresses = Read(configuration);
        if (addresses.Select(FindFault).FirstOrDefault(static fault => fault is not null) is { } fault)
            throw new InvalidConfigurationException(fault);
        // Kept here: from now on they look as if URLS had been set.
        web.ConfigureServices(services => services.AddSingleton(new ListeningAddresses(addresses)));
        // The others are the framework's own.
        if (addresses[0] is { Setting: null or Port, Address: var address })
            web.UseUrls(address);
    }

    /// <inheritdoc cref="Listening.ListenAsync"/>
    public static Task ListenAsync(this WebApplication app) =>
        app.ListenAsync(
            app.Services.GetRequiredService<ListeningAddresses>().All, $"{InEnvironment} or {Port}", CancellationToken.None);

    /// <summary>Where a server with these settings listens.</summary>
    public static IReadOnlyList<string> Of(IConfiguration configuration) => [.. Read(configuration).Select(static one => one.Address)];

    public static bool IsValid(string address) => Parse(address) is { Scheme: "http" };

    /// <summary>This server shows no certificate.</summary>
    public static bool IsHttps(string address) => Parse(address) is { Scheme: "https" };

    private static string? FindFault(SetAddress one)
    {
        if (IsValid(one.Address))
            return null;
        if (IsHttps(one.Address))
            return $"{one.Setting}: {one.Address} {IsNotHttp}";
        return one.Setting is Port or "HTTP_PORTS" or "HTTPS_PORTS"
            ? $"{one.Setting} is {ServerOptions.Quote(one.Text)}; it is a number from 0 to 65535."
            : $"{one.Setting} is {ServerOptions.Quote(one.Text)}; it lists whole addresses without a path, such as {Suggest(one.Text)}.";
    }

    /// <summary>Kestrel takes what is no port for a part of the host's name, and listens on port 80 of every address.</summary>
    /// <returns>null: it is no address.</returns>
    private static BindingAddress? Parse(string address)
    {
        BindingAddress parsed;
        try
        {
            parsed = BindingAddress.Parse(address);
        }
        catch (FormatException)
        {
            return null;
        }

        var isValid = parsed.IsUnixPipe ? Encoding.UTF8.GetByteCount(parsed.UnixPipePath) <= MaxSocketPath
            : parsed.IsNamedPipe ? OperatingSystem.IsWindows()
            : parsed is { PathBase.Length: 0, Port: >= 0 and <= ushort.MaxValue } && IsHost(parsed.Host);
        return isValid ? parsed : null;
    }

    private static bool IsHost(string host) => host.AsSpan().IndexOfAny("[]:@") < 0
        || (host is ['[', .. var address, ']'] && IPAddress.TryParse(address, out _));

    /// <summary>By the first setting that is set, in the order in which they count.</summary>
    private static List<SetAddress> Read(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection(Endpoints).GetChildren()
            .Where(static one => one["Url"] is not null)
            .Select(static one => new SetAddress($"{one.Path}:Url", one["Url"]!, one["Url"]!))
            .ToList();
        if (endpoints.Count > 0)
            return endpoints;
        if (configuration["urls"] is { Length: > 0 } urls && List(NameOfUrls(urls), urls) is { Count: > 0 } listed)
            return listed;
        if (configuration[Port] is { Length: > 0 } port)
            return [new(Port, $"http://*:{port}", port)];
        List<SetAddress> ports = [.. Ports("HTTP_PORTS", "http"), .. Ports("HTTPS_PORTS", "https")];
        return ports.Count > 0 ? ports : [new(Setting: null, Default, Default)];

        IEnumerable<SetAddress> Ports(string setting, string scheme) => List(setting, configuration[setting] ?? "")
            .Select(one => one with { Address = $"{scheme}://*:{one.Text}" });
    }

    private static List<SetAddress> List(string setting, string values) =>
        [.. values.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(one => new SetAddress(setting, one, one))];

    /// <summary>The framework takes its prefix off.</summary>
    private static string NameOfUrls(string urls) =>
        Environment.GetEnvironmentVariable(InEnvironment) == urls ? InEnvironment : "URLS";

    /// <summary>What was probably meant.</summary>
    private static string Suggest(string text)
    {
        var isPort = int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out _);
        var meant = isPort ? $"http://localhost:{text}" : $"http://{text}";
        return ServerOptions.Quote(text).StartsWith('\'') && IsValid(meant) ? meant : Default;
    }
}

/// <param name="Setting">Names it; null: none does.</param>
/// <param name="Address">Where to listen.</param>
/// <param name="Text">As it was written.</param>
internal sealed record SetAddress(string? Setting, string Address, string Text);

internal sealed record ListeningAddresses(IReadOnlyList<SetAddress> All);
