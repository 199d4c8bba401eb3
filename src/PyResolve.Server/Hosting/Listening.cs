using System.Globalization;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace PyResolve.Server.Hosting;

/// <summary>Starts a web server whose failure to listen is told with the setting, the cause and what helps.</summary>
internal static class Listening
{
    private const int FirstPortForAll = 1024;

    /// <param name="app">Is started.</param>
    /// <param name="addresses">Where it is to listen, in this order.</param>
    /// <param name="settings">Those that name another address.</param>
    /// <param name="cancellationToken">Abandons the start.</param>
    /// <exception cref="ListenException">It cannot listen there.</exception>
    public static async Task ListenAsync(
        this WebApplication app, IReadOnlyList<SetAddress> addresses, string settings, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch (Exception exception) when (FindCause(exception) is { } cause)
        {
            // It listens on those before it already.
            var (setting, address, _) = addresses[Math.Min(app.Urls.Count, addresses.Count - 1)];
            var source = setting is null ? "" : $"{setting}: ";
            throw new ListenException($"{source}{address} cannot be listened on: {Explain(address, cause, settings)}", exception);
        }
    }

    internal static string Explain(string address, SocketException cause, string settings)
    {
        var parsed = BindingAddress.Parse(address);
        if (parsed.IsUnixPipe)
            return ExplainSocket(parsed.UnixPipePath, cause);
        return cause.SocketErrorCode switch
        {
            SocketError.AddressAlreadyInUse =>
                $"address already in use. Stop the program that listens there, or name another port with {settings}.",
            SocketError.AccessDenied when parsed.Port < FirstPortForAll => string.Create(
                CultureInfo.InvariantCulture,
                $"{cause.Message}. Ports below {FirstPortForAll} need a right: name another with {settings}, and let a proxy take "
                + $"{parsed.Port}."),
            SocketError.AddressNotAvailable =>
                $"this machine has no such address. Name one that it has with {settings}, such as http://*:8000 for all of them.",
            _ => $"{cause.Message}. Name another address with {settings}.",
        };
    }

    private static string ExplainSocket(string path, SocketException cause)
    {
        var folder = Path.GetDirectoryName(path);
        if (cause.SocketErrorCode is SocketError.AddressAlreadyInUse)
            return "the file is there already. Stop the server that listens on it, or remove the file if none does.";
        return Directory.Exists(folder)
            ? $"{cause.Message}. Let {Environment.UserName} write to {folder}, or name another file."
            : $"there is no folder {folder}. Make it, or name a file in another one.";
    }

    /// <returns>null: it failed otherwise.</returns>
    private static SocketException? FindCause(Exception? exception) => exception switch
    {
        SocketException cause => cause,
        // On localhost: that of IPv4, and that of IPv6.
        AggregateException { InnerExceptions: [var first, ..] } => FindCause(first),
        ListenException => null,
        AddressInUseException or IOException => FindCause(exception.InnerException),
        _ => null,
    };
}

internal sealed class ListenException(string message, Exception cause) : IOException(message, cause);
