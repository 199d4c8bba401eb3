namespace PyResolve.Client;

/// <summary>Where the events of one key wait for one server, so that nobody's are ever sent as another's.</summary>
internal sealed class OutboxFolder(string home, Uri apiUrl, string apiKey)
{
    private static readonly TimeSpan LongestBirth = TimeSpan.FromDays(1);

    public string Path { get; } = System.IO.Path.Combine(home, "outbox", FolderName.Of(apiUrl, apiKey));

    public string RejectedPath => System.IO.Path.Combine(Path, "rejected");

    /// <summary>Segments of this and of other processes, the longest untouched first.</summary>
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
        RemoveUnborn(time);
        return Segment.Create(Path, time);
    }

    /// <summary>Keeps an event that will not be sent, with the reason. The same event is kept once.</summary>
    public void KeepRejected(Guid id, byte[] report)
    {
        PrivateFile.CreateFolder(RejectedPath);
        PrivateFile.Replace(System.IO.Path.Combine(RejectedPath, $"{id:D}.json"), report);
    }

    /// <summary>Keeps a file that is damaged, as it was found.</summary>
    public void KeepDamaged(string name, byte[] content)
    {
        PrivateFile.CreateFolder(RejectedPath);
        PrivateFile.Replace(System.IO.Path.Combine(RejectedPath, name + ".damaged"), content);
    }

    /// <summary>Files of processes that died while they made them.</summary>
    private void RemoveUnborn(TimeProvider time)
    {
        foreach (var path in Directory.GetFiles(Path, "*.tmp"))
        {
            if (time.GetUtcNow().UtcDateTime - File.GetLastWriteTimeUtc(path) > LongestBirth)
                File.Delete(path);
        }
    }
}
