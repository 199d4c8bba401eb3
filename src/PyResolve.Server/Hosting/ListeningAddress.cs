using System.Globalization;

namespace PyResolve.Server.Hosting;

internal static class ListeningAddress
{
    private const string Default = "http://localhost:8000";

    /// <summary>ASP.NET Core's own setting, else <c>PORT</c> on every address as hosting services expect, else localhost:8000.</summary>
    public static void UseListeningAddress(this IWebHostBuilder web, IConfiguration configuration)
    {
        if (configuration["urls"] is not null
            || configuration["http_ports"] is not null
            || configuration.GetSection("Kestrel:Endpoints").Exists())
            return;
        if (configuration["PORT"] is not { Length: > 0 } text)
            web.UseUrls(Default);
        else if (ushort.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            web.UseUrls($"http://*:{port}");
        else
            throw new InvalidConfigurationException($"PORT is {ServerOptions.Quote(text)}; it is a number from 0 to 65535.");
    }
}
