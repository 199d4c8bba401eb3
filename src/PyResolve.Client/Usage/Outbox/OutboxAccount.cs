using System.Text;

namespace PyResolve.Client;

/// <summary>
/// Whose key a folder of the outbox belongs to, as the server said it: a file in the folder. Folders of keys that one account had on one server
/// belong together, so that what waits under a key that was replaced is sent under the one that replaced it. Thread-safe.
/// </summary>
internal sealed class OutboxAccount(OutboxFolder folder, Uri apiUrl)
{
    private const string FileName = "account";
    private readonly string _server = apiUrl.AbsoluteUri.TrimEnd('/');
    private string? _known;

    /// <summary>Remembers whose key it is.</summary>
    /// <returns>Whether that is news to this process.</returns>
    public bool Learn(Guid account)
    {
        var text = $"{_server}\n{account:D}\n";
        if (Interlocked.Exchange(ref _known, text) == text)
            return false;
        try
        {
            if (Read(folder.Path) != text)
            {
                PrivateFile.CreateFolder(folder.Path);
                PrivateFile.Replace(Path.Combine(folder.Path, FileName), Encoding.UTF8.GetBytes(text));
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Then it is known for as long as this process lives.
        }

        return true;
    }

    /// <summary>Segments in the folders of this account's other keys, the longest untouched first; none while the account is not known.</summary>
    public IEnumerable<string> OtherSegments()
    {
        if ((Volatile.Read(ref _known) ?? Read(folder.Path)) is not { } own)
            return [];
        try
        {
            return Directory.GetDirectories(Path.GetDirectoryName(folder.Path)!)
                .Where(other => other != folder.Path && Read(other) == own)
                .SelectMany(static other => Directory.GetFiles(other, "*" + Segment.Extension))
                .OrderBy(Path.GetFileName, StringComparer.Ordinal)
                .ToList();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static string? Read(string folder)
    {
        try
        {
            return File.ReadAllText(Path.Combine(folder, FileName));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
