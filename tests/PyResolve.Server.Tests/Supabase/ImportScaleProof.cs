using System.Diagnostics;
using System.Globalization;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>How long an import takes, and whether every figure is right after it.</summary>
[Trait("Category", "Proof")]
public sealed class ImportScaleProof
{
    private const int KeysEach = 3;

    private static readonly int Accounts = Scale.Pick(shortForm: 50, longForm: 10_000);
    private static readonly int Events = Scale.Pick(shortForm: 10_000, longForm: 2_000_000);
    private static readonly int Sample = Scale.Pick(shortForm: 20, longForm: 500);
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(5);

    [Fact]
    public async Task A_large_project_is_imported_within_five_minutes_and_every_figure_is_right()
    {
        await using var project = await GuideProject.StartAsync();
        await project.Store.FillAsync(Accounts, KeysEach, Events);
        await project.MakeDumpAsync();

        var start = Stopwatch.GetTimestamp();
        var report = GuideProject.Parse((await project.RunAsync("--dump", project.DumpFile, "--json")).OrThrow("The import"));
        var taken = Stopwatch.GetElapsedTime(start);

        taken.ShouldBeLessThan(Limit);
        var imported = report.GetProperty("imported");
        imported.GetProperty("accounts").GetInt64().ShouldBe(Accounts);
        imported.GetProperty("keys").GetInt64().ShouldBe(Accounts * KeysEach);
        imported.GetProperty("events").GetInt64().ShouldBe(Events);
        var (rows, locked) = (Accounts + (Accounts * KeysEach) + Events, report.GetProperty("locked_seconds").GetDouble());
        locked.ShouldBeInRange(0.001, taken.TotalSeconds);
        (await project.CountWrongMonthsAsync()).ShouldBe(0);
        await project.ServeAsync();
        for (var i = 0; i < Sample; i++)
        {
            var number = 1 + (int)((long)i * Accounts * KeysEach / Sample);
            (await project.Server.WithKey(ManyRows.KeyOf(number)).GetAsync("/me")).Status.ShouldBe(200, $"Key {number}");
        }

        var again = GuideProject.Parse((await project.RunAsync("--dump", project.DumpFile, "--json")).OrThrow("The second import"));
        again.GetProperty("already_done").GetBoolean().ShouldBeTrue();
        Proofs.Report("Import of a Supabase project", string.Create(
            CultureInfo.InvariantCulture,
            $"{Accounts:N0} accounts, {Accounts * KeysEach:N0} keys and {Events:N0} events in {taken.TotalSeconds:N1} s, of which the tables "
                + $"were locked for {locked:N1} s, {rows / locked:N0} rows a second (said beforehand: "
                + $"{report.GetProperty("lock_seconds").GetInt64()} s). {Sample} keys verified, and every month equals a recount."));
    }
}
