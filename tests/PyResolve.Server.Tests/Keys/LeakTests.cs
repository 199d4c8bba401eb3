namespace PyResolve.Server.Tests.Keys;

public sealed class LeakTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_reported_key_is_revoked_and_the_owner_finds_it_in_the_audit_log(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);

        var answer = await new Caller(account.Http).PostAsync("/auth/api-keys/report-leak", new { api_key = account.ApiKey });

        answer.Status.ShouldBe(202);
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(401);
        var newest = (await account.Session.GetAsync("/audit"))["data"][0];
        newest.GetProperty("action").GetString().ShouldBe("key.leak_reported");
        newest.GetProperty("target").GetString().ShouldBe(account.ApiKey[..20]);
    }

    [Theory, OnBothEngines]
    public async Task A_report_of_an_unknown_key_gets_the_same_answer_and_revokes_nothing(StorageEngine engine)
    {
        var account = await servers.SignUpAsync(engine);
        var caller = new Caller(account.Http);

        (await caller.PostAsync("/auth/api-keys/report-leak", new { api_key = account.ApiKey[..20] + new string('0', 37) })).Status
            .ShouldBe(202);
        (await caller.PostAsync("/auth/api-keys/report-leak", new { api_key = "not a key" })).Status.ShouldBe(202);

        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
    }
}
