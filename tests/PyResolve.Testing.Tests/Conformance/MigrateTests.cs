using System.Text.Json;

namespace PyResolve.Testing.Tests.Conformance;

/// <summary><c>POST /migrate</c>: what the client gets, and what is charged.</summary>
public sealed class MigrateTests(SharedServers servers)
{
    private static readonly MigrateRequest Request = new()
    {
        Library = "append",
        Target = "2.0",
        Tier = "tier1",
        Files = new Dictionary<string, string> { ["a.py"] = "a = 1\n", ["docs/b.py"] = "" },
    };

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory, OnEveryServer]
    public async Task A_migration_that_changes_files_is_charged_once(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());

        var done = await client.MigrateAsync(Request, cancellationToken: Cancellation);

        (done.State, done.FilesChanged, done.TokensUsed, done.Log).ShouldBe((RemoteMigrationStates.Done, 1, 0, ""));
        done.Files.ShouldBe([KeyValuePair.Create("a.py", (string?)"a = 1\nb = 2\n")]);
        done.Diff.ShouldBe("diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -1 +1,2 @@\n a = 1\n+b = 2\n");
        (done.Quota!.MigrationsUsed, done.Quota.MigrationsHeld).ShouldBe((1, 0));
        var recorded = (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.ShouldHaveSingleItem();
        (recorded.Library, recorded.Tier, recorded.FilesChanged, recorded.ReservationId is null).ShouldBe(("append", "tier1", 1, false));
    }

    [Theory, OnEveryServer]
    public async Task What_the_migrator_reports_adds_and_removes_is_in_the_answer(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());

        var done = await client.MigrateAsync(Request with { Library = "telling" }, cancellationToken: Cancellation);

        done.Files.ShouldBe([KeyValuePair.Create("a.py", (string?)null), KeyValuePair.Create("new.py", (string?)"b = 2\n")]);
        done.Diff!.ShouldContain("deleted file mode 100644\n--- a/a.py\n+++ /dev/null\n@@ -1 +0,0 @@\n-a = 1\n");
        (done.FilesChanged, done.TokensUsed).ShouldBe((2, 1_200));
        (await client.ListUsageEventsAsync(cancellationToken: Cancellation)).Data.ShouldHaveSingleItem().TokensUsed.ShouldBe(1_200);
    }

    [Theory, OnEveryServer]
    public async Task What_fails_or_changes_nothing_costs_nothing(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());

        var nothing = await client.MigrateAsync(Request with { Library = "nothing" }, cancellationToken: Cancellation);
        var failed = await FailAsync(client, Request with { Library = "failing" });

        (nothing.Files!.Count, nothing.Diff, nothing.Log).ShouldBe((0, "", "a = 1\n"));
        failed.Code.ShouldBe(ProblemCodes.MigrationFailed);
        failed.Cause.ShouldBe(
            "The migrator failed: it ended with the code 3. Nothing was charged. Its last output: no such version");
        var quota = await client.GetQuotaAsync(Cancellation);
        (quota.MigrationsUsed, quota.MigrationsHeld).ShouldBe((0, 0));
    }

    [Theory, OnEveryServer]
    public async Task A_caller_who_waits_gets_the_result_or_the_problem_at_once(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();

        var done = await account.Key.PostAsync("/migrate", Body(Request));
        var failed = await account.Key.PostAsync("/migrate", Body(Request with { Library = "failing" }));

        done.Status.ShouldBe(200, done.Text);
        done["state"].GetString().ShouldBe("done");
        done["files"].GetRawText().ShouldBe("""{"a.py":"a = 1\nb = 2\n"}""");
        failed.ShouldBeProblem(422, ProblemCodes.MigrationFailed);
    }

    [Theory, OnEveryServer]
    public async Task A_migration_is_followed_and_cancelled_by_its_account_alone(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        await using var stranger = subject.Client(await subject.SignUpAsync());

        var begun = await client.StartMigrationAsync(Request with { Library = "slow" }, cancellationToken: Cancellation);
        var held = (await client.GetQuotaAsync(Cancellation)).MigrationsHeld;
        var refused = await Should.ThrowAsync<PyResolveException>(stranger.CancelMigrationAsync(begun.Id, Cancellation));
        var cancelled = await client.CancelMigrationAsync(begun.Id, Cancellation);

        (begun.State, held, refused.Code).ShouldBe((RemoteMigrationStates.Running, 1, ProblemCodes.NotFound));
        cancelled.State.ShouldBe(RemoteMigrationStates.Cancelled);
        (await client.GetMigrationAsync(begun.Id, Cancellation)).State.ShouldBe(RemoteMigrationStates.Cancelled);
        (await client.CancelMigrationAsync(begun.Id, Cancellation)).State.ShouldBe(RemoteMigrationStates.Cancelled);
        (await client.GetQuotaAsync(Cancellation)).MigrationsHeld.ShouldBe(0);
    }

    [Theory, OnEveryServer]
    public async Task Events_tell_the_end(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        var begun = await account.Key.SendAsync(HttpMethod.Post, "/migrate", Body(Request), [("Prefer", "respond-async")]);

        var events = await account.Key.SendAsync(HttpMethod.Get, $"/migrate/{begun.Id()}", null, [("Accept", "text/event-stream")]);

        begun.Status.ShouldBe(202, begun.Text);
        begun.Headers.Location!.ToString().ShouldBe($"/migrate/{begun.Id()}");
        begun.Headers.GetValues("Preference-Applied").ShouldBe(["respond-async"]);
        events.ContentType.ShouldBe("text/event-stream");
        events.Text.ShouldStartWith("event: done\ndata: {");
        events.Text.ShouldEndWith("}\n\n");
    }

    [Theory, OnEveryServer]
    public async Task A_retry_with_the_same_key_and_content_is_charged_once(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        await using var client = subject.Client(await subject.SignUpAsync());
        var other = Request with { Files = new Dictionary<string, string> { ["a.py"] = "" } };

        for (var i = 0; i < 3; i++)
            await client.MigrateAsync(Request, idempotencyKey: "build-7", cancellationToken: Cancellation);
        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(1);
        await client.MigrateAsync(other, idempotencyKey: "build-7", cancellationToken: Cancellation);

        (await client.GetQuotaAsync(Cancellation)).MigrationsUsed.ShouldBe(2);
    }

    [Theory, OnEveryServer]
    public async Task An_account_runs_two_at_a_time(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);
        for (var i = 0; i < 2; i++)
            await client.StartMigrationAsync(Request with { Library = "slow" }, cancellationToken: Cancellation);

        var third = await account.Key.PostAsync("/migrate", Body(Request));

        third.ShouldBeProblem(503, ProblemCodes.Unavailable).Detail
            .ShouldBe("2 migrations of this account run on this server already. Wait for one to end.");
        third.Headers.RetryAfter!.ToString().ShouldBe("5");
    }

    [Theory, OnEveryServer]
    public async Task What_may_not_run_is_refused_before_anything_runs(ServerKind kind)
    {
        await using var subject = await servers.OnOwnAsync(kind);
        var account = await subject.SignUpAsync();
        await using var client = subject.Client(account);

        (await FailAsync(client, Request with { Library = "numpy" })).Cause.ShouldBe("library: has no migrator on this server.");
        (await FailAsync(client, Request with { Library = "a b" })).Problem!.Errors!.Keys.ShouldBe(["library"]);
        (await FailAsync(client, new())).Problem!.Errors!.Keys.ShouldBe(["library", "target", "tier", "files"], ignoreOrder: true);
        foreach (var path in (string[])["../a.py", "/a.py", "a//b.py", "./a.py", "a\\b.py", ""])
        {
            var files = new Dictionary<string, string> { [path] = "" };
            (await FailAsync(client, Request with { Files = files })).Problem!.Errors!.Keys.ShouldBe(["files"], path);
        }

        await account.ReserveAsync(quantity: 5);
        (await FailAsync(client, Request)).Code.ShouldBe(ProblemCodes.QuotaExceeded);
    }

    private static Task<PyResolveException> FailAsync(PyResolveClient client, MigrateRequest request) =>
        Should.ThrowAsync<PyResolveException>(client.MigrateAsync(request, cancellationToken: Cancellation));

    private static string Body(MigrateRequest request) => JsonSerializer.Serialize(request, WireJson.Requests.MigrateRequest);
}
