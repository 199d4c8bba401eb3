using System.Text.Json;

namespace PyResolve.SeedCli.Tests;

/// <summary>Checks the fields that the seed's command line reads, and their types.</summary>
public sealed class SeedWireTests(SharedServers servers)
{
    [Theory, MemberData(nameof(EveryPlanOnBothEngines))]
    public async Task Me_has_the_fields_that_login_and_status_read(StorageEngine engine, string plan)
    {
        var account = await servers.SignUpAsync(engine, plan);

        var answer = await account.Key.GetAsync("/me");

        answer.Status.ShouldBe(200);
        answer["email"].GetString().ShouldBe(account.Email);
        answer["plan"].GetString().ShouldBe(plan);
        var quota = answer["quota"];
        ShouldBeWholeNumber(quota.GetProperty("migrations_used"));
        ShouldBeLimit(quota.GetProperty("migrations_limit"), plan);
        ShouldBeLimit(quota.GetProperty("migrations_remaining"), plan);
        quota.GetProperty("llm_allowed").GetBoolean().ShouldBe(plan != "free");
    }

    [Theory, MemberData(nameof(EveryPlanOnBothEngines))]
    public async Task Quota_has_the_fields_that_the_quota_check_reads(StorageEngine engine, string plan)
    {
        var account = await servers.SignUpAsync(engine, plan);

        var answer = await account.Key.GetAsync("/quota");

        answer.Status.ShouldBe(200);
        answer["can_migrate"].GetBoolean().ShouldBeTrue();
        answer["llm_allowed"].GetBoolean().ShouldBe(plan != "free");
        ShouldBeLimit(answer["migrations_limit"], plan);
        ShouldBeLimit(answer["migrations_remaining"], plan);
    }

    [Theory, OnBothEngines]
    public async Task Quota_is_the_same_in_quota_and_in_me(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var alone = await account.Key.GetAsync("/quota");
        var withinMe = (await account.Key.GetAsync("/me"))["quota"];

        withinMe.GetRawText().ShouldBe(alone.Text);
    }

    [Theory, OnBothEngines]
    public async Task Usage_as_the_seed_posts_it_is_recorded(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var answer = await account.Key.PostAsync(
            "/usage", """{"event_type": "migration", "library": "pydantic", "tier": "tier1", "files_changed": 3}""");

        answer.Status.ShouldBe(200);
        answer.Text.ShouldBe("""{"status":"recorded"}""");
    }

    public static TheoryData<StorageEngine, string> EveryPlanOnBothEngines() => new MatrixTheoryData<StorageEngine, string>(
        StorageEngines.Both, ["free", "pro", "unlimited", "enterprise"]);

    private static void ShouldBeLimit(JsonElement limit, string plan)
    {
        if (plan is "unlimited" or "enterprise")
            limit.GetString().ShouldBe("unlimited");
        else
            ShouldBeWholeNumber(limit);
    }

    /// <summary>Python would print <c>5.0</c>, but the seed's messages say 5.</summary>
    private static void ShouldBeWholeNumber(JsonElement number)
    {
        number.ValueKind.ShouldBe(JsonValueKind.Number);
        number.GetRawText().ShouldMatch(@"\A(0|[1-9][0-9]*)\z");
    }
}
