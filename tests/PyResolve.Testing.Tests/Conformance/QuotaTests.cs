namespace PyResolve.Testing.Tests.Conformance;

public sealed class QuotaTests(SharedServers servers)
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task A_permit_reserves_quota_and_completing_it_uses_it(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        await using var permit = await client.Quota.AcquireAsync(
            new("pydantic") { Quantity = 3, TimeToLive = TimeSpan.FromMinutes(2) }, Cancellation);
        permit.Quota.ShouldNotBeNull().ShouldSatisfyAllConditions(
            quota => quota.MigrationsHeld.ShouldBe(3), quota => quota.MigrationsRemaining.ShouldBe(QuotaLimit.Of(2)));
        permit.ExpiresAt.ShouldBe(subject.Clock.GetUtcNow().AddMinutes(2));
        await permit.CompleteAsync(new() { Quantity = 2, FilesChanged = 7, TokensUsed = 11 }, Cancellation);

        permit.IsSettled.ShouldBeTrue();
        (permit.Quota!.MigrationsUsed, permit.Quota.MigrationsHeld).ShouldBe((2, 0));
        var recorded = (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.Single();
        (recorded.EventType, recorded.Library, recorded.Tier, recorded.Quantity).ShouldBe(("migration", "pydantic", "tier1", 2));
        (recorded.FilesChanged, recorded.TokensUsed, recorded.ReservationId, recorded.Late)
            .ShouldBe((7, 11, permit.ReservationId, false));
    }

    [Theory, OnEveryServer]
    public async Task A_permit_that_is_not_completed_releases_its_reservation(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var permit = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 5 }, Cancellation);
        (await client.Quota.CheckAsync(cancellationToken: Cancellation)).Denial.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.QuotaExceeded);

        await permit.DisposeAsync();

        permit.Quota.ShouldNotBeNull().MigrationsHeld.ShouldBe(0);
        (await client.GetReservationAsync(permit.ReservationId!.Value, Cancellation)).State.ShouldBe(ReservationStates.Released);
        (await client.Quota.CheckAsync(cancellationToken: Cancellation)).IsAllowed.ShouldBeTrue();
    }

    [Theory, OnEveryServer]
    public async Task A_used_up_quota_is_denied_with_the_reason_and_the_reset_time(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        for (var used = 1; used <= 5; used++)
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            await permit.CompleteAsync(new(), Cancellation);
        }

        await using var sixth = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);

        var denial = sixth.Denial.ShouldNotBeNull();
        denial.Code.ShouldBe(ProblemCodes.QuotaExceeded);
        denial.ResetsAt.ShouldBe(new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));
        denial.UpgradeUrl.ShouldBe(new Uri(subject.Address, "/pricing"));
        denial.Message.ShouldBe(
            "Monthly limit reached (5 migrations on the free plan: 5 used, 0 held, 1 asked for). It resets at 2026-12-01T00:00:00Z. "
            + $"Upgrade at {new Uri(subject.Address, "/pricing")}");
        await ShouldSayTheSameAsync(client, MigrationTier.Tier1, denial);
    }

    [Theory, OnEveryServer]
    public async Task A_plan_without_LLM_denies_the_LLM_tiers_before_it_checks_the_quota(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        await using var all = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 5 }, Cancellation);

        foreach (var tier in (MigrationTier[])[MigrationTier.Tier2, MigrationTier.Tier3])
        {
            await using var denied = await client.Quota.AcquireAsync(new("pydantic", tier), Cancellation);
            denied.Denial.ShouldNotBeNull().Code.ShouldBe(ProblemCodes.LlmNotAllowed);
            denied.Denial.UpgradeUrl.ShouldNotBeNull();
            await ShouldSayTheSameAsync(client, tier, denied.Denial);
        }

        await subject.SetPlanAsync(account, "pro");
        await using var granted = await client.Quota.AcquireAsync(new("pydantic", MigrationTier.Tier3), Cancellation);
        granted.IsGranted.ShouldBeTrue();
    }

    [Theory, OnEveryServer]
    public async Task Lost_answers_reserve_and_use_quota_once(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using (var client = subject.Client(account, new LossyNetwork(2)))
        await using (var permit = await client.Quota.AcquireAsync(new("pydantic") { Quantity = 2 }, Cancellation))
            permit.Quota.ShouldNotBeNull().MigrationsHeld.ShouldBe(2);

        await using var steady = subject.Client(account);
        var held = await steady.CreateReservationAsync(new() { Tier = "tier1" }, "mine", Cancellation);
        await using (var client = subject.Client(account, new LossyNetwork(2)))
            await client.CommitReservationAsync(held.Id, new() { Id = Guid.CreateVersion7(), FilesChanged = 1 }, Cancellation);

        (await steady.CreateReservationAsync(new() { Tier = "tier1" }, "mine", Cancellation)).Id.ShouldBe(held.Id);
        (await FailAsync(steady.CreateReservationAsync(new() { Tier = "tier1", Quantity = 2 }, "mine", Cancellation))).Code
            .ShouldBe(ProblemCodes.Conflict);
        var quota = await steady.GetQuotaAsync(Cancellation);
        (quota.MigrationsUsed, quota.MigrationsHeld).ShouldBe((1, 0));
    }

    [Theory, OnEveryServer]
    public async Task A_held_reservation_is_extended_at_most_to_seven_days_after_its_grant(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var grantedAt = subject.Clock.GetUtcNow();
        var held = await client.CreateReservationAsync(new() { Tier = "tier1", TtlSeconds = 60 }, cancellationToken: Cancellation);
        subject.Advance(TimeSpan.FromSeconds(59));

        var extended = await client.ExtendReservationAsync(held.Id, new() { TtlSeconds = 90 }, Cancellation);
        var capped = await client.ExtendReservationAsync(held.Id, new() { TtlSeconds = 604_800 }, Cancellation);

        (extended.State, extended.ExpiresAt).ShouldBe((ReservationStates.Held, grantedAt.AddSeconds(149)));
        (capped.ExpiresAt, capped.Quota.MigrationsHeld).ShouldBe((grantedAt.AddDays(7), 1));
        subject.Advance(TimeSpan.FromDays(7) - TimeSpan.FromSeconds(59));
        (await client.GetReservationAsync(held.Id, Cancellation)).State.ShouldBe(ReservationStates.Expired);
    }

    [Theory, OnEveryServer]
    public async Task Only_a_reservation_that_is_held_and_no_lease_is_extended(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        var (committed, released) = ((await account.ReserveAsync()).Id(), (await account.ReserveAsync()).Id());
        var (expired, leased) = ((await account.ReserveAsync(ttlSeconds: 1)).Id(), (await account.ReserveAsync(machine: "m")).Id());
        await account.CommitAsync(committed);
        await account.ReleaseAsync(released);
        subject.Advance(TimeSpan.FromSeconds(1));

        foreach (var id in (Guid[])[committed, released, expired, leased])
        {
            var failure = await FailAsync(client.ExtendReservationAsync(id, new() { TtlSeconds = 60 }, Cancellation));
            failure.Code.ShouldBe(ProblemCodes.Conflict);
        }

        (await (await subject.SignUpAsync()).ExtendAsync(leased, 60)).ShouldBeProblem(404, "not_found");
        (await account.ExtendAsync(leased, 0)).ShouldBlame("ttl_seconds");
        (await account.ExtendAsync(leased, 604_801)).ShouldBlame("ttl_seconds");
        (await account.Key.SendAsync(HttpMethod.Patch, $"/quota/reservations/{leased}", "{}")).ShouldBlame("ttl_seconds");
    }

    [Theory, OnEveryServer]
    public async Task A_denial_is_not_stored_for_its_idempotency_key(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        (await FailAsync(client.CreateReservationAsync(new() { Tier = "tier2" }, "mine", Cancellation))).Status.ShouldBe(403);

        await subject.SetPlanAsync(account, "pro");

        (await client.CreateReservationAsync(new() { Tier = "tier2" }, "mine", Cancellation)).State.ShouldBe(ReservationStates.Held);
    }

    [Theory, OnEveryServer]
    public async Task Work_with_one_once_key_is_reserved_and_used_once(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        var request = new MigrationRequest("pydantic") { OnceKey = "build-7" };

        await using var first = await client.Quota.AcquireAsync(request, Cancellation);
        await using var second = await client.Quota.AcquireAsync(request, Cancellation);
        second.ReservationId.ShouldBe(first.ReservationId);
        await first.CompleteAsync(new(), Cancellation);
        await using var third = await client.Quota.AcquireAsync(request, Cancellation);

        third.IsSettled.ShouldBeTrue();
        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
        (await account.ReserveAsync(quantity: 2, onceKey: "build-7")).ShouldBeProblem(409, "conflict");
        (await account.ReserveAsync(onceKey: "build-7")).Status.ShouldBe(200);
    }

    [Theory, OnEveryServer]
    public async Task A_committed_once_key_is_answered_at_most_64_times(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await account.CommitAsync((await account.ReserveAsync(onceKey: "build-8")).Id());

        for (var i = 0; i < 64; i++)
            (await account.ReserveAsync(onceKey: "build-8"))["state"].GetString().ShouldBe(ReservationStates.Committed);

        (await account.ReserveAsync(onceKey: "build-8")).ShouldBeProblem(409, "conflict");
    }

    [Theory, OnEveryServer]
    public async Task A_reservation_says_why_it_was_granted(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        await client.CreateReservationAsync(new() { Tier = "tier1" }, cancellationToken: Cancellation);

        var held = await client.CreateReservationAsync(
            new() { Tier = "tier1", Library = "pydantic", Quantity = 2 }, cancellationToken: Cancellation);

        var read = await client.GetReservationAsync(held.Id, Cancellation);
        read.Receipt.ShouldBe(
            new("free", QuotaLimit.Of(5), 0, 1, "Granted: 0 used + 1 held + 2 asked for is within the 5 of the free plan."));
        (read with { Receipt = null }).ShouldBe(held);
        (held.Month, held.Remaining, held.Lease).ShouldBe(("2026-11", 2, null));
    }

    [Theory, OnEveryServer]
    public async Task Settling_again_changes_nothing(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        var paid = await client.CreateReservationAsync(new() { Tier = "tier1", Quantity = 2 }, cancellationToken: Cancellation);
        var back = await client.CreateReservationAsync(new() { Tier = "tier1", Quantity = 2 }, cancellationToken: Cancellation);

        (await FailAsync(client.CommitReservationAsync(paid.Id, new() { Quantity = 3 }, Cancellation))).Code.ShouldBe(ProblemCodes.Invalid);
        var first = await client.CommitReservationAsync(paid.Id, new() { Quantity = 1 }, Cancellation);
        (await client.CommitReservationAsync(paid.Id, new() { Quantity = 2 }, Cancellation)).UsageEventId.ShouldBe(first.UsageEventId);
        (await FailAsync(client.ReleaseReservationAsync(paid.Id, Cancellation))).Code.ShouldBe(ProblemCodes.Conflict);
        await client.ReleaseReservationAsync(back.Id, Cancellation);
        (await client.ReleaseReservationAsync(back.Id, Cancellation)).State.ShouldBe(ReservationStates.Released);
        var late = await client.CommitReservationAsync(back.Id, new(), Cancellation);

        late.Quota.MigrationsUsed.ShouldBe(3);
        (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.Select(usage => (usage.Id, usage.Quantity, usage.Late))
            .ShouldBe([(late.UsageEventId!.Value, 2, true), (first.UsageEventId!.Value, 1, false)]);
    }

    [Theory, OnEveryServer]
    public async Task A_reservation_belongs_to_its_account(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var owner = subject.Client(await subject.SignUpAsync());
        await using var other = subject.Client(await subject.SignUpAsync());
        var held = await owner.CreateReservationAsync(new() { Tier = "tier1" }, cancellationToken: Cancellation);

        (await FailAsync(other.GetReservationAsync(held.Id, Cancellation))).Code.ShouldBe(ProblemCodes.NotFound);
        (await FailAsync(other.CommitReservationAsync(held.Id, new(), Cancellation))).Code.ShouldBe(ProblemCodes.NotFound);
        (await FailAsync(other.ReleaseReservationAsync(held.Id, Cancellation))).Code.ShouldBe(ProblemCodes.NotFound);
        var spend = new UsageEventRequest { EventType = "migration", Tier = "tier1", ReservationId = held.Id };
        (await FailAsync(other.RecordUsageAsync(spend, Cancellation))).Code.ShouldBe(ProblemCodes.Invalid);
    }

    [Theory, OnEveryServer]
    public async Task Of_concurrent_requests_as_many_are_granted_as_there_is_quota(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());

        var permits = await Task.WhenAll(Enumerable.Range(0, 20).Select(_ => client.Quota.AcquireAsync(new("pydantic"), Cancellation)));

        permits.Count(permit => permit.IsGranted).ShouldBe(5);
        permits.ShouldAllBe(permit => permit.IsGranted || permit.Denial!.Code == ProblemCodes.QuotaExceeded);
        await Task.WhenAll(permits.Select(permit => permit.DisposeAsync().AsTask()));
        (await client.GetQuotaAsync(Cancellation)).MigrationsHeld.ShouldBe(0);
    }

    [Theory, OnEveryServer]
    public async Task An_expired_reservation_goes_back_and_late_work_is_recorded(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        await using var permit = await client.Quota.AcquireAsync(
            new("pydantic") { Quantity = 5, TimeToLive = TimeSpan.FromMinutes(1) }, Cancellation);

        subject.Advance(TimeSpan.FromMinutes(2));
        (await client.GetQuotaAsync(Cancellation)).MigrationsHeld.ShouldBe(0);
        (await client.GetReservationAsync(permit.ReservationId!.Value, Cancellation)).State.ShouldBe(ReservationStates.Expired);
        await permit.CompleteAsync(new() { Quantity = 2 }, Cancellation);

        permit.Quota.ShouldNotBeNull().MigrationsUsed.ShouldBe(2);
        (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.Single().Late.ShouldBeTrue();
    }

    [Theory, OnEveryServer]
    public async Task A_new_month_has_its_own_quota_and_a_reservation_counts_in_the_month_of_its_grant(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        await using var permit = await client.Quota.AcquireAsync(
            new("pydantic") { Quantity = 5, TimeToLive = TimeSpan.FromDays(7) }, Cancellation);
        var held = await client.GetReservationAsync(permit.ReservationId!.Value, Cancellation);

        subject.Advance(TimeSpan.FromDays(15.5) - TimeSpan.FromDays(9));
        await permit.CompleteAsync(new() { Quantity = 4 }, Cancellation);
        subject.Advance(TimeSpan.FromDays(9));

        var december = await client.GetQuotaAsync(Cancellation);
        (held.Month, december.Month, december.MigrationsUsed).ShouldBe(("2026-11", "2026-12", 0));
        december.ResetsAt.ShouldBe(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero));
        (await client.GetUsageAsync("2026-11", Cancellation)).Migrations.ShouldBe(4);
        (await client.GetUsageHistoryAsync(2, Cancellation)).Select(month => (month.Month, month.Migrations))
            .ShouldBe([("2026-12", 0), ("2026-11", 4)]);
    }

    private static Task<PyResolveException> FailAsync(Task task) => Should.ThrowAsync<PyResolveException>(task);

    [Theory, OnEveryServer]
    public async Task A_commit_whose_answer_was_lost_is_recorded_once_by_the_next_process(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        var network = new FailingNetwork();
        Guid? reservation;
        await using (var client = subject.Client(account, network))
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            network.TakeAway(isHeard: true);
            await permit.CompleteAsync(new() { FilesChanged = 7 }, Cancellation);
            permit.IsSettled.ShouldBeTrue();
            client.Usage.Pending.ShouldBe(1);
            reservation = permit.ReservationId;
        }

        await using var next = subject.Client(account);
        await next.Usage.FlushAsync(Cancellation);

        next.Usage.Rejected.ShouldBe(0);
        (await next.GetQuotaAsync(Cancellation))
            .ShouldSatisfyAllConditions(quota => quota.MigrationsUsed.ShouldBe(1), quota => quota.MigrationsHeld.ShouldBe(0));
        var recorded = (await next.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.Single();
        (recorded.Library, recorded.FilesChanged, recorded.ReservationId, recorded.Late).ShouldBe(("pydantic", 7, reservation, false));
    }

    [Theory, OnEveryServer]
    public async Task A_commit_that_did_not_arrive_is_recorded_by_the_next_process(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        var network = new FailingNetwork();
        await using (var client = subject.Client(account, network))
        {
            await using var permit = await client.Quota.AcquireAsync(new("pydantic"), Cancellation);
            network.TakeAway(isHeard: false);
            await permit.CompleteAsync(new() { TokensUsed = 11 }, Cancellation);
        }

        // With another key of the account, as after a rotation.
        var other = (await account.Session.PostAsync("/auth/api-keys", new { name = "another" }))["api_key"].GetString();
        await using var next = subject.ClientWithKey(other);
        (await next.GetAccountAsync(Cancellation)).ShouldNotBeNull();
        await next.Usage.FlushAsync(Cancellation);

        (await next.GetQuotaAsync(Cancellation))
            .ShouldSatisfyAllConditions(quota => quota.MigrationsUsed.ShouldBe(1), quota => quota.MigrationsHeld.ShouldBe(0));
        (await next.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.Single().TokensUsed.ShouldBe(11);
    }

    [Theory, OnEveryServer]
    public async Task Work_with_a_once_key_is_never_used_twice_by_two_processes(ServerKind kind)
    {
        await using var subject = await servers.OnAsync(kind);
        var account = await subject.SignUpAsync();
        var network = new FailingNetwork();
        await using var first = subject.Client(account);
        await using var second = subject.Client(account, network);
        await using var paid = await first.Quota.AcquireAsync(new("pydantic") { OnceKey = "pydantic@v2" }, Cancellation);
        await using var late = await second.Quota.AcquireAsync(new("pydantic") { OnceKey = "pydantic@v2" }, Cancellation);
        await paid.CompleteAsync(new(), Cancellation);

        network.TakeAway(isHeard: false);
        (await Should.ThrowAsync<PyResolveException>(late.CompleteAsync(new(), Cancellation))).Code
            .ShouldBe(PyResolveErrorCodes.Unreachable);

        second.Usage.Pending.ShouldBe(0);
        (await first.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
    }

    /// <summary>A check, which works out the answer from the quota, and a permit, which the server denied.</summary>
    private static async Task ShouldSayTheSameAsync(PyResolveClient client, MigrationTier tier, QuotaDenial denied)
    {
        var check = (await client.Quota.CheckAsync(tier, Cancellation)).Denial.ShouldNotBeNull();

        (check.Code, check.Message, check.Hint, check.ResetsAt, check.UpgradeUrl)
            .ShouldBe((denied.Code, denied.Message, denied.Hint, denied.ResetsAt, denied.UpgradeUrl));
        denied.Hint.ShouldNotBeNull().ShouldStartWith($"Upgrade at {denied.UpgradeUrl}");
    }
}
