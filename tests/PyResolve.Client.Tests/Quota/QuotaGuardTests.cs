using System.Text.Json;

namespace PyResolve.Client.Tests.Quota;

public sealed class QuotaGuardTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_permit_reserves_quota_and_completing_it_charges_once()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.Client();

        await using (var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation))
        {
            permit.IsGranted.ShouldBeTrue();
            permit.ReservationId.ShouldNotBeNull();
            permit.ExpiresAt.ShouldNotBeNull();
            await permit.CompleteAsync(new() { FilesChanged = 3, TokensUsed = 7 }, Cancellation);
            await permit.CompleteAsync(new() { FilesChanged = 3, TokensUsed = 7 }, Cancellation);
            permit.IsSettled.ShouldBeTrue();
            permit.Quota.ShouldNotBeNull().MigrationsUsed.ShouldBe(1);
        }

        (ledger.Reservations, ledger.Charges, ledger.Released).ShouldBe((1, 1, 0));
    }

    [Fact]
    public async Task The_request_and_the_commit_have_all_values()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var running = server;
        await using var client = server.Client();
        var request = new MigrationRequest(
            "pydantic", MigrationTier.Tier2) { Quantity = 3, TimeToLive = TimeSpan.FromMinutes(2), OnceKey = "build-7" };

        await using var permit = await client.Quota.AcquireAsync(request, Cancellation);
        await permit.CompleteAsync(
            new() { Quantity = 2, FilesChanged = 4, Metadata = JsonDocument.Parse("""{"target":"2.0"}""").RootElement }, Cancellation);

        server.Requests[0].Body.ShouldBe("""{"quantity":3,"tier":"tier2","library":"pydantic","ttl_seconds":120,"once_key":"build-7"}""");
        server.Requests[1].Body.ShouldStartWith("""{"quantity":2,"files_changed":4,"tokens_used":0,"metadata":{"target":"2.0"},"id":""");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_permit_that_is_not_completed_is_released(bool asynchronously)
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.Client();
        var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        if (asynchronously)
            await permit.DisposeAsync();
        else
            permit.Dispose();
        await permit.DisposeAsync();

        server.Requests.Count(request => request.Method == "DELETE").ShouldBe(1);
        (ledger.Charges, ledger.Released).ShouldBe((0, 1));
        await Should.ThrowAsync<ObjectDisposedException>(permit.CompleteAsync(new(), Cancellation));
    }

    [Fact]
    public async Task Releasing_never_throws()
    {
        var (server, _) = await Ledger.StartAsync();
        await using var client = server.Client();
        var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        await server.DisposeAsync();

        await permit.DisposeAsync();

        permit.IsSettled.ShouldBeFalse();
    }

    [Fact]
    public async Task Work_whose_completion_failed_is_not_released()
    {
        var (server, ledger) = await Ledger.StartAsync();
        await using var _ = server;
        await using var client = server.LoseAnswers("POST /quota/reservations/*/commit", 100).Client();
        var permit = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 2 }, Cancellation);

        await Should.ThrowAsync<PyResolveException>(permit.CompleteAsync(new(), Cancellation));
        await permit.DisposeAsync();

        (ledger.Charges, ledger.Released).ShouldBe((1, 0));
    }

    [Fact]
    public async Task A_used_up_quota_is_a_denial_with_the_reset_and_the_upgrade_page()
    {
        await using var server = await ScriptedServer.StartAsync();
        const string Reason = "Monthly limit reached (5 migrations)";
        server.On(
            "POST /quota/reservations",
            Answer.Problem(402, "quota_exceeded", Reason, "https://pyresolve.dev/pricing", "2026-12-01T00:00:00Z"));
        await using var client = server.Client();

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        permit.IsGranted.ShouldBeFalse();
        permit.Denial.ShouldBe(new QuotaDenial
        {
            Code = ProblemCodes.QuotaExceeded,
            Message = "Monthly limit reached (5 migrations). It resets on 2026-12-01 (UTC). Upgrade at https://pyresolve.dev/pricing",
            Hint = "It resets on 2026-12-01 (UTC). Upgrade at https://pyresolve.dev/pricing",
            ResetsAt = new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero),
            UpgradeUrl = new("https://pyresolve.dev/pricing"),
        });
        await Should.ThrowAsync<InvalidOperationException>(permit.CompleteAsync(new(), Cancellation));
    }

    [Fact]
    public async Task A_plan_without_LLM_is_a_denial()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /quota/reservations", Answer.Problem(403, "llm_not_allowed", "LLM migrations need Pro."))
            .Client();

        await using var permit = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3), Cancellation);

        permit.Denial.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.LlmNotAllowed);
    }

    [Theory]
    [InlineData(401, "unauthenticated")]
    [InlineData(403, "scope_missing")]
    [InlineData(409, "conflict")]
    [InlineData(500, "internal")]
    public async Task An_error_that_is_not_a_denial_throws(int status, string code)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /quota/reservations", Answer.Problem(status, code, "No.")).Client();

        (await Should.ThrowAsync<PyResolveException>(client.Quota.AcquireAsync(new("pydantic"), Cancellation))).Code.ShouldBe(code);

        server.Requests.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Without_a_key_tier1_runs_anonymously_and_nothing_is_sent()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.Client(options => options.ApiKey = null);

        await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
        await permit.CompleteAsync(new() { FilesChanged = 1 }, Cancellation);

        permit.IsGranted.ShouldBeTrue();
        permit.ReservationId.ShouldBeNull();
        server.Requests.ShouldBeEmpty();
    }

    [Theory]
    [InlineData(MigrationTier.Tier2)]
    [InlineData(MigrationTier.Tier3)]
    public async Task Without_a_key_LLM_tiers_are_denied_with_both_options(MigrationTier tier)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.Client(options => options.ApiKey = null);

        await using var permit = await client.Quota.AcquireAsync(new("pydantic", tier), Cancellation);

        permit.Denial.ShouldNotBeNull().Code.ShouldBe(PyResolveErrorCodes.LoginRequired);
        permit.Denial.Message.ShouldContain("pyresolve login");
        permit.Denial.Message.ShouldContain("tier1");
        permit.Denial.Message.ShouldEndWith(permit.Denial.Hint.ShouldNotBeNull());
        (await client.Quota.CheckAsync(tier, Cancellation)).IsAllowed.ShouldBeFalse();
        server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task Work_that_is_charged_already_is_granted_and_not_charged_again()
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("POST /quota/reservations", Answer.Json(200, """{"state":"committed"}""")).Client();

        await using (var permit = await client.Quota.AcquireAsync(new("pydantic") { OnceKey = "build-7" }, Cancellation))
        {
            permit.IsGranted.ShouldBeTrue();
            permit.IsSettled.ShouldBeTrue();
            await permit.CompleteAsync(new(), Cancellation);
        }

        server.Requests.Count.ShouldBe(1);
    }

    [Theory]
    [InlineData(4, false, MigrationTier.Tier1, null)]
    [InlineData(5, false, MigrationTier.Tier1, "quota_exceeded")]
    [InlineData(5, false, MigrationTier.Tier2, "llm_not_allowed")]
    [InlineData(4, true, MigrationTier.Tier3, null)]
    [InlineData(5, true, MigrationTier.Tier3, "quota_exceeded")]
    public async Task A_check_answers_as_a_permit_would_and_reserves_nothing(int used, bool llm, MigrationTier tier, string? code)
    {
        await using var server = await ScriptedServer.StartAsync();
        await using var client = server.On("GET /quota", Answer.Quota(used, llm: llm)).Client();

        var check = await client.Quota.CheckAsync(tier, Cancellation);

        check.Denial?.Code.ShouldBe(code);
        check.IsAllowed.ShouldBe(code is null);
        check.Quota.ShouldNotBeNull().MigrationsUsed.ShouldBe(used);
        server.Requests.Single().Route.ShouldBe("GET /quota");
    }

    [Fact]
    public void A_request_out_of_range_cannot_be_made()
    {
        Should.Throw<ArgumentException>(() => new MigrationRequest(" "));
        Should.Throw<ArgumentException>(() => new MigrationRequest(new string('x', 129)));
        Should.Throw<ArgumentException>(() => new MigrationRequest("a\0b"));
        Should.Throw<ArgumentOutOfRangeException>(() => new MigrationRequest("pydantic", (MigrationTier)4));
        Should.Throw<ArgumentOutOfRangeException>(() => new MigrationRequest("pydantic") { Quantity = 1001 });
        Should.Throw<ArgumentOutOfRangeException>(() => new MigrationRequest("pydantic") { TimeToLive = TimeSpan.FromDays(8) });
        Should.Throw<ArgumentException>(() => new MigrationRequest("pydantic") { OnceKey = "with space" });
        Should.Throw<ArgumentOutOfRangeException>(() => new MigrationOutcome { FilesChanged = -1 });
        Should.Throw<ArgumentException>(() => new MigrationOutcome { Metadata = JsonDocument.Parse("[]").RootElement });
    }
}
