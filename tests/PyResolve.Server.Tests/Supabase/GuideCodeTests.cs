using System.Text.Json;
using System.Text.Json.Nodes;

namespace PyResolve.Server.Tests.Supabase;

/// <summary>The guide's Python code for keys, quota and usage runs on the database beside the server, and both agree.</summary>
public sealed class GuideCodeTests
{
    private const string Python = "python3";

    [Fact]
    public async Task The_guides_code_and_the_server_agree_on_keys_quota_and_usage()
    {
        await using var project = await GuideProject.StartAsync();
        var (ada, bob) = (await project.SignUpAsync("ada@example.com"), await project.SignUpAsync("bob@example.com"));
        await project.AddUsageAsync(ada, "now", "2026-01-15 00:00Z");
        await project.Store.ExecuteSqlAsync($"update profiles set plan = 'unlimited' where id = '{bob}'");
        var (before, unlimited) = (await project.CreateKeyAsync(ada), await project.CreateKeyAsync(bob));
        await project.ImportAsync();
        await project.ServeAsync();
        var after = await project.CreateKeyAsync(ada);
        var server = project.Server.WithKey(before);

        await GuideAsync(
            project,
            ["usage", before, "migration",
             new JsonObject { ["library"] = "fastapi", ["tier"] = "tier2", ["files_changed"] = 3, ["tokens_used"] = 70 }],
            ["usage", after, "scan", new JsonObject { ["metadata"] = new JsonObject { ["note"] = "it's" } }]);
        (await server.PostAsync("/usage", new { event_type = "migration", tier = "tier1" })).Status.ShouldBe(200);
        (await server.PostAsync("/usage", new { event_type = "migration", tier = "tier3", tokens_used = 5 })).Status.ShouldBe(200);

        foreach (var key in new[] { before, after, unlimited })
            await AgreesAsync(project, key);
        var month = await server.GetAsync("/usage");
        (month["total_tokens"].GetInt64(), month["total_files_changed"].GetInt64()).ShouldBe((95, 7));
        (await project.AsAsync("service_role", null, $"select * from get_current_usage('{ada}')")).ShouldBe("4|1|3|95");
    }

    [Fact]
    public async Task The_guides_code_and_the_server_refuse_the_same_keys()
    {
        await using var project = await GuideProject.StartAsync();
        var ada = await project.SignUpAsync("ada@example.com");
        var (kept, revoked) = (await project.CreateKeyAsync(ada), await project.CreateKeyAsync(ada));
        await project.ImportAsync();
        await project.ServeAsync();
        await project.AsAsync("authenticated", ada, $"update api_keys set revoked_at = now() where key_prefix = '{revoked[..20]}'");
        string[] keys = [kept, revoked, kept[..^1] + (kept[^1] == '0' ? '1' : '0'), "pyr_live_" + new string('0', 48), "sk_live_1", ""];

        var answers = await GuideAsync(project, [.. keys.Select(static key => new JsonArray("user", key))]);

        answers.ConvertAll(static answer => answer.TryGetProperty("status", out var status) ? status.GetInt32() : 200)
            .ShouldBe([200, 401, 401, 401, 401, 401]);
        foreach (var (key, answer) in keys.Zip(answers))
        {
            var isKnown = answer.TryGetProperty("result", out _);
            (await project.Server.WithKey(key).GetAsync("/me")).Status.ShouldBe(isKnown ? 200 : 401, key);
        }
    }

    private static async Task AgreesAsync(GuideProject project, string key)
    {
        var answers = await GuideAsync(project, ["user", key], ["quota", key]);
        var (user, quota) = (answers[0].GetProperty("result"), answers[1].GetProperty("result"));
        var server = project.Server.WithKey(key);
        var me = await server.GetAsync("/me");
        foreach (var member in new[] { "user_id", "email", "plan" })
            user.GetProperty(member).GetString().ShouldBe(me[member].GetString(), member);
        var served = await server.GetAsync("/quota");
        foreach (var member in quota.EnumerateObject())
            member.Value.GetRawText().ShouldBe(served[member.Name].GetRawText(), member.Name);
    }

    /// <summary>Calls the guide's functions, in one process.</summary>
    private static async Task<List<JsonElement>> GuideAsync(GuideProject project, params JsonArray[] calls)
    {
        var ended = await Command.RunAsync(
            Python,
            [Path.Combine(GuideProject.Guide, "run.py")],
            new Dictionary<string, string?>
            {
                ["DATABASE_URL"] = project.Store.Settings["DATABASE_URL"],
                ["PYTHONDONTWRITEBYTECODE"] = "1",
            },
            input: string.Concat(calls.Select(static call => $"{call.ToJsonString()}\n")),
            cancellationToken: TestContext.Current.CancellationToken);
        return [.. ended.OrThrow("The guide's code").Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(static line => JsonDocument.Parse(line).RootElement)];
    }
}
