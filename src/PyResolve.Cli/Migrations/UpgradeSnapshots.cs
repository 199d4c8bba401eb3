using PyResolve.Cli.Base;

namespace PyResolve.Cli.Migrations;

/// <summary>Takes snapshots with progress, and names what they leave out.</summary>
internal static class UpgradeSnapshots
{
    private const int NamedFiles = 5;

    /// <exception cref="OperationCanceledException">A signal asked to stop.</exception>
    /// <exception cref="CliException">The folder cannot be read.</exception>
    public static FolderSnapshot TakeFirst(UpgradeOutput output, UpgradeRequest request, CancellationToken cancellationToken)
    {
        var snapshot = Take(output, request, request.FullPath, cancellationToken);
        if (snapshot.Unreadable.TryGetValue(".", out var reason))
        {
            const string Next = "Give --path a folder that you may read.";
            throw new CliException(ExitCodes.Failure, $"{request.Path} cannot be read: {reason}.", Next);
        }
        Warn(output, "Left out", [.. snapshot.Unreadable.Select(static file => $"{file.Key} ({file.Value})")]);
        return snapshot;
    }

    public static FolderSnapshot Take(UpgradeOutput output, UpgradeRequest request, string path, CancellationToken cancellationToken)
    {
        output.Progress.Start("Reading");
        try
        {
            return FolderSnapshot.Take(path, request.Selection, cancellationToken, count => output.Progress.Report(count));
        }
        finally
        {
            output.Progress.Stop();
        }
    }

    public static void WarnOfOutside(UpgradeOutput output, FolderChanges changes) =>
        Warn(output, "Changed although --include and --exclude leave it out", [.. changes.Outside.Select(static file => file.Name)]);

    private static void Warn(UpgradeOutput output, string what, IReadOnlyList<string> files)
    {
        foreach (var file in files.Take(NamedFiles))
            output.Warning($"{what}: {PlainText.Of(file)}");
        if (files.Count > NamedFiles)
            output.Warning($"{what}: {files.Count - NamedFiles} more");
    }
}
