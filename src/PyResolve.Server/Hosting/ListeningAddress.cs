using System.Globalization;

namespace PyResolve.Server.Hosting;

internal static class ListeningAddress
{
    private const string Default = "http://localhost:8000";

    /// <summary>
    /// ASP.NET Core's own setting, else <c>PORT</c> on every address as hosting services expect, else localhost:8000. <c>PORT</c> comes before
    /// <c>http_ports</c>, which .NET's own images set.
    /// </summary>
    public static void UseListeningAddress(this IWebHostBuilder web, IConfiguration configuration)
    {
        if (configuration["urls"] is not null || configuration.GetSection("Kestrel:Endpoints").Exists())
            return;
        if (configuration["PORT"] is not { Length: > 0 } text)
        {
            if (configuration["http_ports"] is null)
                web.UseUrls(Default);
        }
        else if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            web.UseUrls($"http://*:{port}");
        else
            throw new InvalidConfigurationException($"PORT is {ServerOptions.Quote(text)}; it is a number from 0 to 65535.");
    }

    /// <summary>Where a server with these settings listens.</summary>
    public static IReadOnlyList<string> Of(IConfiguration configuration)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren()
            .Select(static one => one["Url"]).OfType<string>().ToList();
        return endpoints.Count > 0 ? endpoints
            : configuration["urls"] is { Length: > 0 } urls ? urls.Split(';', StringSplitOptions.RemoveEmptyEntries)
            : configuration["PORT"] is { Length: > 0 } single ? [$"http://*:{single}"]
            : configuration["http_ports"] is { Length: > 0 } ports
                ? [.. ports.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(static port => $"http://*:{port}")]
            : [Default];
    }
}
