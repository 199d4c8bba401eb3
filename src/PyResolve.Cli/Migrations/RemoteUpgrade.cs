using System.Text;
using PyResolve.Cli.Base;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Migrators.Protocol;

namespace PyResolve.Cli.Migrations;

/// <summary>Upgrades code on the server, which charges the migration when files changed, and applies here what it answers.</summary>
internal sealed class RemoteUpgrade(UpgradeOutput output, PyResolveClient client, UpgradeRequest request, string? profile)
{
    /// <summary>The same for each upgrade: the server charges the same files under the same key once a day.</summary>
    private const string IdempotencyKey = "pyresolve-upgrade-remote";

    private const string Again =
        "If the server has done the work, one migration was used. The same upgrade within 24 hours costs nothing more.";

    private const int ShownLines = 50;

    public async Task<int> RunAsync(StopSignals signals)
    {
        var project = Read(signals.Requested);
        var files = QuotaText.Pluralize(project.Count, "file");
        var what = output.IsDryRun ? "Dry run:" : "Upgrading";
        output.Line($"{what} {request.Library} to {request.Target} in {request.Path}, on the server");
        output.Line($"Sending {files} to {client.ApiUrl.AbsoluteUri.TrimEnd('/')}");
        var answer = await MigrateAsync(project, signals);
        var changes = new RemoteChanges(project, answer.Files ?? new Dictionary<string, string?>());
        if (signals.Received is not null && changes.All.Count > 0)
        {
            throw new CliException(
                ExitCodes.Interrupted, "Interrupted, when the server had done the work. Nothing was changed here; one migration was used.",
                SavePatch(answer.Id, project, changes.All));
        }

        ShowLog(answer.Log ?? "");
        // A single file given as --path is always included.
        var described = changes.Describe(request.IsFolder ? request.Selection : FileSelection.All);
        UpgradeSnapshots.WarnOfOutside(output, described);
        if (!output.IsJson)
            WriteDiff(project, changes.All, painted: true, line => output.Result(line + "\n"));
        if (!output.IsDryRun)
            Apply(answer, project, changes);
        ShowEnd(answer, described);
        if (output.IsJson)
            output.Result(CliJson.Write(Report(answer, described, project, changes)) + "\n");
        return ExitCodes.Success;
    }

    private RemoteProject Read(CancellationToken cancellationToken)
    {
        try
        {
            return RemoteProject.Read(output, request, cancellationToken);
        }
        catch (OperationCanceledException)
        {
            throw new CliException(ExitCodes.Interrupted, "Interrupted. Nothing was sent and nothing was changed.");
        }
    }

    private async Task<RemoteMigration> MigrateAsync(RemoteProject project, StopSignals signals)
    {
        var sent = project.Describe();
        output.Progress.Start(ProgressState.Upgrading);
        try
        {
            var answer = await client.MigrateAsync(sent, new Relay(output.Progress), IdempotencyKey, signals.Requested)
                .WaitAsync(signals.Repeated);
            LastDecision.SaveRemote(client, request, denial: null);
            return answer;
        }
        catch (OperationCanceledException e)
        {
            var isTold = e.InnerException is null && !signals.Repeated.IsCancellationRequested;
            throw new CliException(
                ExitCodes.Interrupted, "Interrupted. Nothing was changed here.",
                isTold ? "No migration was used." : $"The server could not be told to stop. {Again}");
        }
        catch (PyResolveException e)
        {
            if (e.Code is ProblemCodes.QuotaExceeded or ProblemCodes.LlmNotAllowed)
                LastDecision.SaveRemote(client, request, e);
            throw Explain(e);
        }
        finally
        {
            output.Progress.Stop();
        }
    }

    private CliException Explain(PyResolveException exception)
    {
        var errors = exception.Problem?.Errors;
        if (exception.Code == ProblemCodes.MigrationFailed)
            return new CliException(ExitCodes.Failure, PlainText.Of(exception.Cause), "Nothing was changed here.");
        if (exception.Code == ProblemCodes.TooLarge)
            return RemoteProject.TooLarge(request);
        if (exception.Code == ProblemCodes.Invalid && errors is not null && (errors.ContainsKey("library") || errors.ContainsKey("tier")))
        {
            return CliException.Usage(
                exception.Cause, "Upgrade here, without --remote; or ask the server's operator for a migrator.");
        }

        var failure = Failures.Describe(exception, profile);
        return new CliException(
            failure.ExitCode, failure.Message,
            [.. failure.Next, "Nothing was changed here.", .. failure.ExitCode == ExitCodes.Network ? [Again] : Array.Empty<string>()]);
    }

    private void Apply(RemoteMigration answer, RemoteProject project, RemoteChanges changes)
    {
        if (changes.FindConflicts() is [var first, ..] conflicts)
        {
            var more = conflicts.Count == 1 ? "" : $", and {conflicts.Count - 1} more";
            throw new CliException(
                ExitCodes.Failure,
                $"{PlainText.Of(first)} was changed while the server worked{more}. Nothing was changed; one migration was used.",
                SavePatch(answer.Id, project, changes.All));
        }

        var written = 0;
        try
        {
            changes.Apply(_ => written++);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            var files = $"{QuotaText.Pluralize(written, "file")} of {changes.All.Count}";
            throw new CliException(
                ExitCodes.Failure, $"A file could not be written: {e.Message} {files} had been changed by then.",
                SavePatch(answer.Id, project, [.. changes.All.Skip(written)]));
        }
    }

    /// <summary>What was paid for is not lost.</summary>
    private string[] SavePatch(Guid id, RemoteProject project, IReadOnlyList<RemoteChange> changes)
    {
        var path = Path.Combine(Path.GetTempPath(), $"pyresolve-{id:N}.patch");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using var patch = new StreamWriter(path, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), options);
            WriteDiff(project, changes, painted: false, line => patch.Write(line + "\n"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [$"The changes could not be kept: {e.Message}", "The same upgrade within 24 hours costs nothing more."];
        }

        return [$"The changes are in {path}", $"To apply them: git apply {CommandWords.Join([path])}"];
    }

    private void ShowLog(string log)
    {
        var lines = log.TrimEnd('\n').Split('\n', StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length > ShownLines)
            output.Line($"[the last {ShownLines} of {QuotaText.FormatNumber(lines.Length)} lines]");
        foreach (var line in lines.TakeLast(ShownLines))
            output.Line(PlainText.Of(line));
    }

    private void ShowEnd(RemoteMigration answer, FolderChanges changes)
    {
        if (changes.Total == 0)
            output.Success("Nothing to change");
        else if (output.IsDryRun)
            output.Success($"Would upgrade {request.Library} to {request.Target}: {UpgradeTexts.Describe(changes)}");
        else
            output.Success($"Upgraded {request.Library} to {request.Target}: {UpgradeTexts.Describe(changes)}");
        if (answer.TokensUsed is > 0 and var tokens)
            output.Line($"  Tokens used: {QuotaText.FormatNumber(tokens)}");
        var used = changes.Total == 0 ? "No migration was used. " : "";
        if (answer.Quota is { } quota)
            output.Line($"  {used}Quota this month: {QuotaText.FormatUsage(quota)}");
        if (output.IsDryRun && changes.Total > 0)
            output.Line("  Nothing was changed here. One migration was used: the upgrade itself costs nothing more within 24 hours.");
        if (!output.IsDryRun && changes.Total > 0 && UpgradeTexts.FindDiffCommand(request) is { } command)
            output.Line($"  See the changes: {command}");
    }

    private UpgradeReport Report(RemoteMigration answer, FolderChanges described, RemoteProject project, RemoteChanges changes)
    {
        var diff = new StringBuilder();
        WriteDiff(project, changes.All, painted: false, line => diff.Append(line).Append('\n'));
        return new UpgradeReport(
            request.Library,
            request.Target,
            QuotaText.NameOf(request.Tier),
            request.Path,
            output.IsDryRun,
            described.Total == 0 ? "unchanged" : "changed",
            new UpgradeFiles(described.Modified, described.Added, described.Removed, described.Outside.Count()),
            answer.TokensUsed ?? 0,
            Charged: described.Total > 0,
            Offline: false,
            answer.Quota is { } quota ? CliJson.Wire(quota, WireJson.Default.QuotaSnapshot) : null,
            Messages: [],
            diff.ToString())
        {
            MigrationId = answer.Id,
            Log = answer.Log,
        };
    }

    private void WriteDiff(RemoteProject project, IReadOnlyList<RemoteChange> changes, bool painted, Action<string> write)
    {
        var shown = new UpgradeDiff(output, project.Root);
        var diff = new UnifiedDiff(line => write(painted ? shown.Paint(PlainText.Visible(line)) : line));
        foreach (var change in changes)
        {
            var isExecutable = change.Before is not null && ExecutableFile.Is(change.FullPath);
            diff.Add(shown.NameOf(change.Name), Side(change.Before, isExecutable), Side(change.After, isExecutable));
        }
    }

    private static DiffSide? Side(byte[]? content, bool isExecutable) => content is null ? null : new DiffSide(content, isExecutable);

    private sealed class Relay(ProgressDisplay display) : IProgress<RemoteMigrationProgress>
    {
        public void Report(RemoteMigrationProgress value) => display.Report(value.Done, value.Total, value.File);
    }
}
