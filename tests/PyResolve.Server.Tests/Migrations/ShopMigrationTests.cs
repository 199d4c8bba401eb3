namespace PyResolve.Server.Tests.Migrations;

/// <summary>A whole project goes through <c>POST /migrate</c> with the built-in migrator, as it does on the command line.</summary>
public sealed class ShopMigrationTests(SharedServers servers)
{
    private static readonly Dictionary<string, string?> Settings = new()
    {
        ["PyResolve:Migrators:pydantic:tier1"] = "builtin:pydantic", ["PyResolve:Migrate:Concurrent"] = "100",
    };

    [Theory, OnBothEngines]
    public async Task A_whole_project_is_upgraded_and_charged_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: Settings);
        var account = await own.SignUpAsync();

        var answer = await account.Key.MigrateAsync(files: ShopProject.Files);
        var retried = await account.Key.MigrateAsync(files: ShopProject.Files, idempotencyKey: "build-8");
        var again = await account.Key.MigrateAsync(files: ShopProject.Files, idempotencyKey: "build-8");

        answer.Status.ShouldBe(200, answer.Text);
        answer["files"].EnumerateObject().Select(static file => file.Name).ShouldBe(ShopProject.Expected.Select(static file => file.File));
        foreach (var (file, added, removed) in ShopProject.Expected)
        {
            var content = answer["files"].GetProperty(file).GetString()!;
            added.ShouldAllBe(text => content.Contains(text, StringComparison.Ordinal), $"{file}\n{content}");
            removed.ShouldAllBe(text => !content.Contains(text, StringComparison.Ordinal), $"{file}\n{content}");
        }

        (retried["files"].GetRawText(), again["files"].GetRawText()).ShouldBe((answer["files"].GetRawText(), answer["files"].GetRawText()));
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 2, Held: 0, Remaining: 3));
        (await account.Key.GetAsync("/usage/events"))["data"].EnumerateArray()
            .Select(static recorded => recorded.GetProperty("files_changed").GetInt32()).ShouldBe([4, 4]);
    }

    [Theory, OnBothEngines]
    public async Task A_project_that_was_upgraded_changes_no_more_and_costs_nothing(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, settings: Settings);
        var account = await own.SignUpAsync();
        var upgraded = new Dictionary<string, string>(ShopProject.Files);
        foreach (var file in (await account.Key.MigrateAsync(files: ShopProject.Files))["files"].EnumerateObject())
            upgraded[file.Name] = file.Value.GetString()!;

        var answer = await account.Key.MigrateAsync(files: upgraded);

        answer["files"].EnumerateObject().ShouldBeEmpty();
        (await account.QuotaAsync()).ShouldBe(new QuotaView(Used: 1, Held: 0, Remaining: 4));
    }

    [Fact]
    public async Task The_diff_applies_to_the_project()
    {
        await using var own = await OwnServer.StartAsync(StorageEngine.Sqlite, servers.Postgres, settings: Settings);
        var account = await own.SignUpAsync();
        var folder = Directory.CreateTempSubdirectory("pyresolve-shop-");
        foreach (var (name, content) in ShopProject.Files)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(folder.FullName, name))!);
            await File.WriteAllTextAsync(Path.Combine(folder.FullName, name), content, TestContext.Current.CancellationToken);
        }

        var answer = await account.Key.MigrateAsync(files: ShopProject.Files);
        var applied = await Command.RunAsync(
            "git", ["apply", "-"], input: answer["diff"].GetString()!, workingDirectory: folder.FullName,
            cancellationToken: TestContext.Current.CancellationToken);

        applied.OrThrow("git apply");
        foreach (var file in answer["files"].EnumerateObject())
        {
            var content = await File.ReadAllTextAsync(Path.Combine(folder.FullName, file.Name), TestContext.Current.CancellationToken);
            content.ShouldBe(file.Value.GetString());
        }

        folder.Delete(recursive: true);
    }
}
