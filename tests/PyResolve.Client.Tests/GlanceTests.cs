namespace PyResolve.Client.Tests;

/// <summary>The first code of the documentation.</summary>
public sealed class GlanceTests
{
    [Fact]
    public async Task The_first_lines_of_the_documentation_run()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;

        (await MainAsync(() => server.Client())).ShouldBe(0);

        (ledger.Reservations, ledger.Charges, ledger.Released).ShouldBe((1, 2, 0));
    }

    [Fact]
    public async Task A_denial_ends_with_code_3()
    {
        await using var server = await ScriptedServer.StartAsync();
        server.On("POST /quota/reservations", Answer.Problem(403, "llm_not_allowed", "LLM migrations need Pro."));

        (await MainAsync(() => server.Client())).ShouldBe(3);
    }

    private static async Task<int> MainAsync(Func<PyResolveClient> create)
    {
        await using var pyresolve = create();

        await using QuotaPermit permit = await pyresolve.Quota.AcquireAsync(new MigrationRequest("pydantic", MigrationTier.Tier2));
        if (!permit.IsGranted)
        {
            Console.Error.WriteLine(permit.Denial.Message);
            return 3;
        }

        int files = Migrate();
        await permit.CompleteAsync(new MigrationOutcome { FilesChanged = files, TokensUsed = 1200 });

        pyresolve.Usage.Report(new UsageEvent("scan") { Library = "pydantic" });
        await pyresolve.Usage.FlushAsync();
        return 0;
    }

    private static int Migrate() => 4;
}
