using System.Text;

namespace PyResolve.Client;

/// <summary>The account of a folder's key, in a file of the folder. Events of a replaced key are sent with a new key of the same account.
/// Thread-safe.</summary>
internal sealed class OutboxAccount(OutboxFolder folder, Uri apiUrl)
{
    private const string FileName = "account";
    private readonly string _server = apiUrl.AbsoluteUri.TrimEnd('/');
    private string? _known;

    /// <returns>Whether this process did not know the account before.</returns>
    public bool Remember(Guid account)
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
            // Then only this process knows it.
        }

        return true;
    }

    /// <summary>The segments of this account's other keys, the oldest first; none while the account is unknown.</summary>
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
