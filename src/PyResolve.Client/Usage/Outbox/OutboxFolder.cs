namespace PyResolve.Client;

/// <summary>The folder in which events of one key wait for one server, so that no event is sent for another account.</summary>
internal sealed class OutboxFolder(string home, Uri apiUrl, string apiKey)
{
    private static readonly TimeSpan MaxSetupTime = TimeSpan.FromDays(1);

    public string Path { get; } = System.IO.Path.Combine(home, "outbox", FolderName.Of(apiUrl, apiKey));

    public string RejectedPath => System.IO.Path.Combine(Path, "rejected");

    public IEnumerable<string> Segments()
    {
        try
        {
            return Directory.GetFiles(Path, "*" + Segment.Extension).OrderBy(static path => path, StringComparer.Ordinal);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    public Segment CreateSegment(TimeProvider time)
    {
        PrivateFile.CreateFolder(Path);
        RemoveUnfinished(time);
        return Segment.Create(Path, time);
    }

    /// <summary>Keeps an event that will not be sent. The same event is kept once.</summary>
    public void KeepRejected(Guid id, byte[] report)
    {
        PrivateFile.CreateFolder(RejectedPath);
        PrivateFile.Replace(System.IO.Path.Combine(RejectedPath, $"{id:D}.json"), report);
    }

    public void KeepDamaged(string name, byte[] content)
    {
        PrivateFile.CreateFolder(RejectedPath);
        PrivateFile.Replace(System.IO.Path.Combine(RejectedPath, name + ".damaged"), content);
    }

    private void RemoveUnfinished(TimeProvider time)
    {
        foreach (var path in Directory.GetFiles(Path, "*.tmp"))
        {
            if (time.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(path) > MaxSetupTime)
                File.Delete(path);
        }
    }
}
