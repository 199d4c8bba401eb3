using System.Formats.Tar;
using System.IO.Compression;
using PyResolve.Client;
using PyResolve.Client.Wire;
using PyResolve.Server.Tests.Http;

namespace PyResolve.Server.Tests.Migrations;

/// <summary><c>POST /migrate</c>: what it answers, and what it charges.</summary>
public sealed class MigrateTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> Settings = new(MigrateDriver.Shell(
        ("append", "echo \"b = 2\" >> \"$1/a.py\""),
        ("nothing", "cat \"$1/a.py\""),
        ("failing", "echo \"no such version\"; echo \"b = 2\" >> \"$1/a.py\"; exit 3"),
        ("slow", "echo \"b = 2\" >> \"$1/a.py\"; sleep 60"),
        ("telling", """
            exec 3> "$PYRESOLVE_MIGRATOR_CHANNEL"
            echo "{\"type\":\"progress\",\"done\":1,\"total\":2,\"file\":\"a.py\"}" >&3
            echo "{\"type\":\"tokens\",\"used\":1200}" >&3
            echo "{\"type\":\"log\",\"level\":\"warning\",\"message\":\"left b.py alone\"}" >&3
            echo "b = 2" > "$1/new.py"; rm "$1/a.py"; sleep 1
            """)))
    {
        ["PyResolve:Migrators:pydantic:tier1"] = "builtin:pydantic",
        ["PyResolve:Migrators:append:tier2"] = MigrateDriver.Command("echo \"b = 2\" >> \"$1/a.py\""),
        ["PyResolve:Migrate:Concurrent"] = "100",
    };

    [Theory, OnBothEngines]
    public async Task A_project_is_upgraded_and_charged_once(StorageEngine engine)
    {
        await using var own = await StartAsync(engine);
        var account = await own.SignUpAsync();

        var answer = await account.Key.MigrateAsync(files: MigrateDriver.Project);

        answer.Status.ShouldBe(200, answer.Text);
        answer["state"].GetString().ShouldBe("done");
        answer["files"].EnumerateObject().Select(file => file.Name).ShouldBe(["app/models.py", "app/views.py"]);
        answer["files"].GetProperty("app/models.py").GetString()!.ShouldContain("user.model_dump()");
        answer["diff"].GetString()!.ShouldContain("-    return user.dict()\n+    return user.model_dump()\n");
        answer["files_changed"].GetInt32().ShouldBe(2);
        answer["log"].GetString()!.ShouldContain("Rewrote 2 of 2 Python files");
        answer["quota"].GetProperty("migrations_used").GetInt32().ShouldBe(1);
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
        var recorded = (await account.Key.GetAsync("/usage/events"))["data"].EnumerateArray().ShouldHaveSingleItem();
        recorded.GetProperty("files_changed").GetInt32().ShouldBe(2);
        recorded.GetProperty("library").GetString().ShouldBe("pydantic");
    }

    [Theory, OnBothEngines]
    public async Task What_fails_or_changes_nothing_costs_nothing(StorageEngine engine)
    {
        await using var own = await StartAsync(engine);
        var account = await own.SignUpAsync();

        var nothing = await account.Key.MigrateAsync("nothing");
        var failing = await account.Key.MigrateAsync("failing");

        nothing.Status.ShouldBe(200, nothing.Text);
        nothing["files"].EnumerateObject().ShouldBeEmpty();
        nothing["log"].GetString().ShouldBe("a = 1\n");
        failing.ShouldBeProblem(422, "migration_failed").Detail!.ShouldContain("it ended with the code 3");
        failing.Detail!.ShouldContain("no such version");
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Fact]
    public async Task The_protocol_reports_progress_tokens_and_messages()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();

        var begun = await account.Key.MigrateLaterAsync("telling");
        var events = await account.Key.SendAsync(HttpMethod.Get, $"/migrate/{begun.Id()}", null, [("Accept", "text/event-stream")]);
        var answer = await account.Key.GetAsync($"/migrate/{begun.Id()}");

        begun.Status.ShouldBe(202, begun.Text);
        begun.Headers.Location!.ToString().ShouldBe($"/migrate/{begun.Id()}");
        events.ContentType.ShouldBe("text/event-stream");
        events.Text.ShouldStartWith("event: progress\ndata: {\"done\":1,\"total\":2,\"file\":\"a.py\"}\n\nevent: done\ndata: {");
        answer["tokens_used"].GetInt64().ShouldBe(1_200);
        answer["log"].GetString()!.ShouldContain("warning: left b.py alone");
        answer["files"].GetRawText().ShouldBe("""{"a.py":null,"new.py":"b = 2\n"}""");
        (await account.QuotaAsync()).Used.ShouldBe(1);
    }

    [Fact]
    public async Task The_SDK_starts_a_migration_and_waits_for_it()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();
        var home = Directory.CreateTempSubdirectory("pyresolve-migrate-sdk-");
        await using var client = PyResolveClient.Create(
            new() { ApiUrl = own.Server.Address, ApiKey = account.ApiKey, Home = home.FullName });
        var request = new MigrateRequest { Library = "pydantic", Target = "2.0", Tier = "tier1", Files = MigrateDriver.Project };

        var done = await client.MigrateAsync(request, cancellationToken: TestContext.Current.CancellationToken);
        var failed = await Should.ThrowAsync<PyResolveException>(
            client.MigrateAsync(request with { Library = "failing" }, cancellationToken: TestContext.Current.CancellationToken));

        done.Files!.Keys.ShouldBe(["app/models.py", "app/views.py"]);
        failed.Code.ShouldBe("migration_failed");
        (await account.QuotaAsync()).Used.ShouldBe(1);
        home.Delete(recursive: true);
    }

    [Fact]
    public async Task A_migration_is_cancelled_and_costs_nothing()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();
        var stranger = await own.SignUpAsync();
        var begun = await account.Key.MigrateLaterAsync("slow");

        (await stranger.Key.DeleteAsync($"/migrate/{begun.Id()}")).ShouldBeProblem(404, "not_found");
        (await account.QuotaAsync()).Held.ShouldBe(1);
        var cancelled = await account.Key.DeleteAsync($"/migrate/{begun.Id()}");

        cancelled["state"].GetString().ShouldBe("cancelled");
        (await account.Key.GetAsync($"/migrate/{begun.Id()}"))["state"].GetString().ShouldBe("cancelled");
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 0, Held: 0, Remaining: 5));
    }

    [Fact]
    public async Task An_account_and_a_server_run_so_many_at_a_time()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();
        for (var i = 0; i < 2; i++)
            (await account.Key.MigrateLaterAsync("slow")).Status.ShouldBe(202);

        var third = await account.Key.MigrateAsync("append");
        var other = await (await own.SignUpAsync()).Key.MigrateAsync("append");

        third.ShouldBeProblem(503, "unavailable");
        third.Headers.RetryAfter!.ToString().ShouldBe("5");
        other.Status.ShouldBe(200, other.Text);
        (await account.QuotaAsync()).Held.ShouldBe(2);
    }

    [Fact]
    public async Task A_body_is_taken_compressed_and_as_a_tar_archive()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();
        using var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, leaveOpen: true))
        {
            var entry = new PaxTarEntry(TarEntryType.RegularFile, "./a.py") { DataStream = new MemoryStream("a = 1\n"u8.ToArray()) };
            await tar.WriteEntryAsync(entry, TestContext.Current.CancellationToken);
        }

        var files = new Dictionary<string, string> { ["a.py"] = "" };
        var json = MigrateDriver.Json(new { library = "append", target = "2", tier = "tier1", files });
        var packed = await account.Key.PostAsync("/migrate", MigrateDriver.Bytes(Pack(json), "application/json", "gzip"));
        var tarred = await account.Key.PostAsync(
            "/migrate?library=append&target=2.0&tier=tier1", MigrateDriver.Bytes(Pack(archive.ToArray()), "application/x-tar", "gzip"));

        packed["files"].GetRawText().ShouldBe("""{"a.py":"b = 2\n"}""");
        tarred["files"].GetRawText().ShouldBe("""{"a.py":"a = 1\nb = 2\n"}""");
    }

    [Theory]
    [InlineData("../a.py")]
    [InlineData("/etc/passwd")]
    [InlineData("a/../../b.py")]
    [InlineData("a//b.py")]
    [InlineData("./a.py")]
    [InlineData("a\\b.py")]
    [InlineData("a\nb.py")]
    [InlineData("")]
    public async Task A_path_that_leaves_the_folder_is_refused(string path)
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();

        var answer = await account.Key.MigrateAsync("append", files: new Dictionary<string, string> { [path] = "a = 1\n" });

        answer.ShouldBlame("files");
        (await account.QuotaAsync()).Remaining.ShouldBe(5);
    }

    [Fact]
    public async Task A_link_in_an_archive_is_refused()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();
        using var archive = new MemoryStream();
        await using (var tar = new TarWriter(archive, leaveOpen: true))
        {
            var entry = new PaxTarEntry(TarEntryType.SymbolicLink, "a.py") { LinkName = "/etc/passwd" };
            await tar.WriteEntryAsync(entry, TestContext.Current.CancellationToken);
        }

        var answer = await account.Key.PostAsync(
            "/migrate?library=append&target=2.0&tier=tier1", MigrateDriver.Bytes(archive.ToArray(), "application/x-tar"));

        answer.ShouldBlame("files");
    }

    [Fact]
    public async Task A_retry_with_the_same_key_and_content_is_charged_once()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();

        for (var i = 0; i < 3; i++)
            (await account.Key.MigrateAsync("append", idempotencyKey: "build-7")).Status.ShouldBe(200);
        (await account.QuotaAsync()).Used.ShouldBe(1);
        var others = new Dictionary<string, string> { ["b.py"] = "" };
        var other = await account.Key.MigrateAsync("append", files: others, idempotencyKey: "build-7");

        other.Status.ShouldBe(200, other.Text);
        (await account.QuotaAsync()).Used.ShouldBe(2);
    }

    [Fact]
    public async Task A_plan_that_does_not_allow_it_and_a_migrator_that_is_not_there_are_refused_before_anything_runs()
    {
        await using var own = await StartAsync(StorageEngine.Sqlite);
        var account = await own.SignUpAsync();

        (await account.Key.MigrateAsync("append", tier: "tier2")).ShouldBeProblem(403, "llm_not_allowed");
        (await account.Key.MigrateAsync("append", tier: "tier3")).ShouldBlame("tier");
        (await account.Key.MigrateAsync("numpy")).ShouldBlame("library");
        await account.ReserveAsync(quantity: 5);

        (await account.Key.MigrateAsync("append")).ShouldBeProblem(402, "quota_exceeded");
    }

    private static byte[] Pack(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    private Task<OwnServer> StartAsync(StorageEngine engine) => OwnServer.StartAsync(engine, servers.Postgres, settings: Settings);
}
