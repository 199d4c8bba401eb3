using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Migrations;

internal static class UpgradeTexts
{
    /// <summary><c>2 files changed, 1 added</c>.</summary>
    public static string Describe(FolderChanges changes)
    {
        (int Number, string What)[] parts = [(changes.Modified, "changed"), (changes.Added, "added"), (changes.Removed, "removed")];
        var present = parts.Where(part => part.Number > 0).ToList();
        var first = $"{QuotaText.Pluralize(present[0].Number, "file")} {present[0].What}";
        return first + string.Concat(present.Skip(1).Select(part => $", {part.Number} {part.What}"));
    }

    /// <summary>The command that shows the changes; <see langword="null"/> outside a git repository.</summary>
    public static string? FindDiffCommand(UpgradeRequest request)
    {
        for (var folder = request.FullPath; folder is not null; folder = Path.GetDirectoryName(folder))
        {
            // A file in a worktree or a submodule.
            var git = Path.Combine(folder, ".git");
            if (!Directory.Exists(git) && !File.Exists(git))
                continue;
            var here = Environment.CurrentDirectory;
            var isHere = here == folder || here.StartsWith(Path.TrimEndingDirectorySeparator(folder) + '/', StringComparison.Ordinal);
            return request.Path == "." ? "git diff"
                : isHere ? CommandWords.Join(["git", "diff", "--", request.Path])
                : CommandWords.Join(["git", "-C", folder, "diff"]);
        }
        return null;
    }

    /// <param name="permit"><see langword="null"/> in a dry run.</param>
    public static UpgradeReport Report(
        UpgradeRequest request, FolderChanges changes, MigratorReport migrator, QuotaPermit? permit, QuotaSnapshot? quota,
        string? diff = null) => new(
            request.Library,
            request.Target,
            QuotaText.NameOf(request.Tier),
            request.Path,
            DryRun: permit is null,
            Outcome: changes.Total == 0 ? "unchanged" : "changed",
            new UpgradeFiles(changes.Modified, changes.Added, changes.Removed, changes.Outside.Count()),
            migrator.TokensUsed,
            Charged: changes.Total > 0 && permit is { } granted && (granted.ReservationId is not null || granted.IsOffline),
            Offline: permit is { IsOffline: true },
            quota is null ? null : CliJson.Wire(quota, WireJson.Default.QuotaSnapshot),
            migrator.Messages,
            diff);
}
