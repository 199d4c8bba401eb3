using System.Text;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client.Wire;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <summary>Shows what an upgrade would change: the migrator runs on a private copy. Nothing is reserved.</summary>
/// <param name="create">Makes the migrator for a path.</param>
internal sealed class DryRun(UpgradeOutput output, Func<string, Migrator> create, UpgradeRequest request, QuotaSnapshot? quota)
{
    private const string Interrupted = "Interrupted. Nothing was changed.";

    private readonly UpgradeDiff _diff = new(output, request.Root);

    public async Task<int> RunAsync(StopSignals signals)
    {
        if (!create(request.FullPath).UsesPath)
        {
            throw CliException.Usage(
                "--dry-run needs a migrator whose command has {path}: it runs on a copy.", "As in: --migrator \"mytool --rewrite {path}\"");
        }
        try
        {
            return await RunOnCopyAsync(signals);
        }
        catch (OperationCanceledException)
        {
            throw new CliException(ExitCodes.Interrupted, Interrupted);
        }
    }

    private async Task<int> RunOnCopyAsync(StopSignals signals)
    {
        // Size and time are enough to see whether the migrator kept to the copy.
        var original = FolderSnapshot.Take(request.FullPath, FileSelection.None, signals.Requested);
        using var copy = MakeCopy(signals.Requested);
        var before = UpgradeSnapshots.Take(output, request, copy.FullPath, signals.Requested);
        var migrator = create(copy.FullPath);
        var process = new MigratorProcess(migrator, request.Selection, output);
        var exitCode = await process.RunAsync(signals, request.Grace, FindWorkingDirectory(copy));

        var touched = original.ChangesTo(FolderSnapshot.Take(request.FullPath, FileSelection.None, CancellationToken.None));
        if (touched.Total > 0)
        {
            throw new CliException(
                ExitCodes.Failure,
                $"{request.Path} itself was changed during the dry run ({UpgradeTexts.Describe(touched)}), by the migrator or by others.",
                $"The first: {PlainText.Of(touched.Files[0].Name)}", "A migrator has to keep to {path}.", $"The command was: {migrator}");
        }
        if (process.Report.Misunderstood is { } misunderstood)
            output.Warning(misunderstood);
        if (exitCode != 0)
        {
            throw new CliException(
                ExitCodes.Failure, $"The migrator failed with exit code {exitCode}. Nothing was changed.", $"The command was: {migrator}");
        }

        Show(before.ChangesTo(UpgradeSnapshots.Take(output, request, copy.FullPath, signals.Requested)), copy, process.Report);
        return ExitCodes.Success;
    }

    private FolderCopy MakeCopy(CancellationToken cancellationToken)
    {
        output.Progress.Start("Copying");
        try
        {
            return FolderCopy.Create(request.FullPath, count => output.Progress.Report(count), cancellationToken);
        }
        finally
        {
            output.Progress.Stop();
        }
    }

    /// <summary>A migrator that works where it is started has to be started in the copy.</summary>
    private string? FindWorkingDirectory(FolderCopy copy)
    {
        if (!request.IsFolder || UpgradeDiff.Below(request.FullPath, Environment.CurrentDirectory) is not { } below)
            return null;
        var folder = Path.Combine(copy.FullPath, below);
        return Directory.Exists(folder) ? folder : copy.FullPath;
    }

    private void Show(FolderChanges changes, FolderCopy copy, MigratorReport report)
    {
        UpgradeSnapshots.WarnOfOutside(output, changes);
        if (output.IsJson)
        {
            var diff = new StringBuilder();
            WriteDiff(changes, copy, line => diff.Append(line).Append('\n'));
            output.Result(CliJson.Write(UpgradeTexts.Report(request, changes, report, permit: null, quota, diff.ToString())) + "\n");
            return;
        }

        WriteDiff(changes, copy, line => output.Result(_diff.Paint(line) + "\n"));
        output.Success(changes.Total == 0
            ? "Nothing to change"
            : $"Would upgrade {request.Library} to {request.Target}: {UpgradeTexts.Describe(changes)}");
        report.ShowSummary();
        output.Line("  This was a dry run: nothing was changed, and no migration was used.");
    }

    private void WriteDiff(FolderChanges changes, FolderCopy copy, Action<string> write)
    {
        var diff = new UnifiedDiff(write);
        foreach (var file in changes.Files)
        {
            var name = request.IsFolder ? file.Name : "";
            diff.Add(
                _diff.NameOf(request.IsFolder ? name : Path.GetFileName(request.FullPath)),
                file.Kind == ChangeKind.Added ? null : Read(Path.Combine(request.FullPath, name)),
                file.Kind == ChangeKind.Removed ? null : Read(Path.Combine(copy.FullPath, name)));
        }
    }

    private static DiffSide Read(string path) => new(File.ReadAllBytes(path), ExecutableFile.Is(path));
}
