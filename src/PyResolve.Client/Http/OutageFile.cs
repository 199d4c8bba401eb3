using System.Globalization;
using System.Text;

namespace PyResolve.Client;

/// <summary>Tells the other processes of the user that the server is out of reach: <c>~/.pyresolve/outages</c> has a small file for each
/// server and proxy. Without a folder that can be written, each process finds out by itself. Thread-safe.</summary>
/// <param name="settings">The server, the folder and the time limit of a call.</param>
/// <param name="proxy">The proxy in use: another process may reach the server another way.</param>
internal sealed class OutageFile(ClientSettings settings, Func<Uri?> proxy)
{
    private const int MaxLineLength = 2_000;

    private readonly Lazy<string> _path = new(() => Path.Combine(
        settings.Home, "outages", FolderName.Of(settings.FolderUrl, (proxy()?.AbsoluteUri ?? "direct") + Others(settings)) + ".outage"));

    /// <summary>An outage that another process has found lately; <see langword="null"/> when there is none.</summary>
    /// <param name="after">When the server last answered this process, as ticks of the clock.</param>
    /// <param name="now">The clock. A file from its future is ignored: the clock was set back.</param>
    /// <param name="duration">For how long an outage counts.</param>
    public PyResolveException? Read(long after, DateTimeOffset now, TimeSpan duration)
    {
        if (ReadLines() is not [var since, var limit, var code, var cause, var hint])
            return null;
        if (!long.TryParse(since, NumberStyles.None, CultureInfo.InvariantCulture, out var begin)
            || !long.TryParse(limit, NumberStyles.None, CultureInfo.InvariantCulture, out var waited))
        {
            return null;
        }

        // An outage found with a shorter timeout than ours does not prove that we would fail too.
        var counts = begin > after && begin <= now.Ticks && now.Ticks - begin < duration.Ticks
            && (code == PyResolveErrorCodes.Unreachable
                || (code == PyResolveErrorCodes.Timeout && waited >= settings.RequestTimeout.Ticks));
        return counts && Redaction.Line(cause) is { Length: > 0 } text
            ? new(code, text, Redaction.Line(hint) is { Length: > 0 } advice ? advice : null)
            : null;
    }

    public void Write(PyResolveException cause, DateTimeOffset now)
    {
        var lines = string.Join(
            "\n",
            now.Ticks.ToString(CultureInfo.InvariantCulture), settings.RequestTimeout.Ticks.ToString(CultureInfo.InvariantCulture),
            cause.Code, cause.Cause, cause.Hint ?? "");
        IfPossible(() =>
        {
            PrivateFile.CreateFolder(Path.GetDirectoryName(_path.Value)!);
            PrivateFile.Replace(_path.Value, Encoding.UTF8.GetBytes(lines));
        });
    }

    public void Delete() => IfPossible(() =>
    {
        if (File.Exists(_path.Value))
            File.Delete(_path.Value);
    });

    /// <summary>With several servers, one unreachable server is not an outage.</summary>
    private static string Others(ClientSettings settings)
    {
        if (settings.ApiUrls.Count == 1)
            return "";
        var roots = settings.ApiUrls.Select(static url => "\n" + url.AbsoluteUri.TrimEnd('/'));
        return string.Concat(roots.OrderBy(static root => root, StringComparer.Ordinal));
    }

    private string[]? ReadLines()
    {
        string[]? lines = null;
        IfPossible(() =>
        {
            var file = new FileInfo(_path.Value);
            lines = file.Exists && file.Length <= MaxLineLength ? File.ReadAllText(_path.Value).Split('\n') : null;
        });
        return lines;
    }

    private static void IfPossible(Action action)
    {
        try
        {
            action();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            // It only saves time.
        }
    }
}
