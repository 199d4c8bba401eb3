using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>An import that is killed at any point leaves the database as it was, or is whole.</summary>
[Trait("Category", "Proof")]
public sealed class ImportCrashProof
{
    private static readonly int Events = Scale.Pick(shortForm: 5_000, longForm: 100_000);
    private static readonly int Kills = Scale.Pick(shortForm: 4, longForm: 100);

    [Fact]
    public async Task An_import_that_is_killed_leaves_the_project_as_it_was_or_is_whole()
    {
        await using var project = await GuideProject.StartAsync();
        await project.Store.FillAsync(accounts: 50, keysEach: 1, Events);
        await project.MakeDumpAsync();
        var before = await project.DumpAsync();
        var undo = (await UndoAsync(project)).ToList();
        var (untouched, whole) = (0, 0);
        var full = TimeSpan.Zero;
        var random = new Random(20261129);

        for (var kill = 0; kill < Kills; kill++)
        {
            using var killed = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            // The first runs to its end, which says how long one takes.
            if (full > TimeSpan.Zero)
                killed.CancelAfter(full * (0.2 + (random.NextDouble() * 0.85)));
            var start = Stopwatch.GetTimestamp();
            await RunAsync(project, killed.Token);
            if (full == TimeSpan.Zero)
                full = Stopwatch.GetElapsedTime(start);
            await project.WaitUntilAloneAsync();

            if (await project.Store.ReadNumberAsync("select count(*) from pg_namespace where nspname = 'before_pyresolve'") == 0)
            {
                (await project.DumpAsync()).ShouldBe(before);
                untouched++;
                continue;
            }

            (await project.Store.ReadNumberAsync("select count(*) from public.usage_events")).ShouldBe(Events);
            (await project.CountWrongMonthsAsync()).ShouldBe(0);
            whole++;
            foreach (var command in undo)
                (await project.RunShellAsync(command)).OrThrow(command);
        }

        whole.ShouldBeGreaterThan(0);
        untouched.ShouldBeGreaterThan(0);
        Proofs.Report("Imports that are killed", string.Create(
            CultureInfo.InvariantCulture,
            $"{Kills} imports of {Events:N0} events, all but one killed at a random point: {untouched} left the project as it was, "
                + $"{whole} were whole."));
    }

    private static async Task RunAsync(GuideProject project, CancellationToken cancellationToken)
    {
        try
        {
            var ended = await ServerProcess.RunAsync(
                ["import", "supabase", "--dump", project.DumpFile], project.Store.Settings, cancellationToken);
            ended.OrThrow("import");
        }
        catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
        {
            // Killed, as it was meant to be.
        }
    }

    private static async Task<IEnumerable<string>> UndoAsync(GuideProject project)
    {
        var plan = GuideProject.Parse((await project.RunAsync("--dry-run", "--dump", project.DumpFile, "--json")).OrThrow("The dry run"));
        return plan.GetProperty("take_back").EnumerateArray().Select(static command => command.GetString()!);
    }
}
