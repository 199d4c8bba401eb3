using PyResolve.Server.Operators;

namespace PyResolve.Server.Tests.Operators;

public sealed class AccountPageTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task Everything_of_an_account_is_on_one_page_and_hostile_text_is_text(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        var ada = await own.SignUpAsync("ada@example.com");
        await ada.Session.SendAsync(HttpMethod.Patch, "/me", new { name = "<script>alert(1)</script>" });
        await ada.Session.PostAsync("/auth/api-keys", new { name = "\"><img src=x onerror=alert(1)>" });
        await ada.ReserveAsync(2);
        await ada.Key.PostAsync("/usage", new { event_type = "migration", tier = "tier1" });

        var page = await person.GetAsync($"/operator/accounts/{ada.UserId}");

        page.Status.ShouldBe(200);
        page.Text.Length.ShouldBeLessThan(60_000);
        string[] expected =
        [
            ada.UserId.ToString(), "ada@example.com", "It never subscribed, and no operator set a plan.", $"{ada.ApiKey[..20]}…",
            "&lt;script&gt;alert(1)&lt;/script&gt;", "&gt;&lt;img src=x onerror=alert(1)&gt;", "2 of 2", "Account created", "127.0.0.1",
        ];
        foreach (var text in expected)
            page.Text.ShouldContain(text);
        page.Text.ShouldNotContain(ada.ApiKey);
        page.Text.ShouldNotContain("<script>alert");
        page.Text.ShouldNotContain("<img src=x");
        page.Headers.CacheControl!.NoStore.ShouldBeTrue();
    }

    [Theory, OnEveryEngine]
    public async Task The_page_says_why_an_account_is_on_its_plan(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Admin);
        var ada = await own.SignUpAsync();

        var set = await person.SendAsync(ada, "plan", new() { ["plan"] = "pro", ["until"] = "2026-12-31" });
        var page = await person.GetAsync($"/operator/accounts/{ada.UserId}?done=plan");

        set.Status.ShouldBe(303, set.Text);
        page.Text.ShouldContain("The plan was set.");
        page.Text.ShouldContain("An operator set pro until 1 January 2027 00:00 UTC.");
        page.Text.ShouldContain("then the account is on free");
        page.Text.ShouldContain("They asked &lt;b&gt;twice&lt;/b&gt;");
    }

    [Theory, OnEveryEngine]
    public async Task One_of_many_keys_is_found_by_its_name_or_its_start(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        var ada = await own.SignUpAsync();
        for (var i = 0; i < 51; i++)
            (await ada.Session.PostAsync("/auth/api-keys", new { name = $"key {i}." })).Status.ShouldBe(201);
        var path = $"/operator/accounts/{ada.UserId}";

        var all = await person.GetAsync(path);
        var first = await person.GetAsync($"{path}?keys={ada.ApiKey[..14]}");
        var byName = await person.GetAsync($"{path}?keys=key+0.");
        var none = await person.GetAsync($"{path}?keys=nothing");
        var whole = await person.GetAsync($"{path}?keys={ada.ApiKey}");

        all.Text.ShouldContain("These are the latest 50.");
        all.Text.ShouldNotContain($"{ada.ApiKey[..20]}…");
        first.Text.ShouldContain($"{ada.ApiKey[..20]}…");
        byName.Text.ShouldContain("<bdi>key 0.</bdi>");
        none.Text.ShouldContain("None of its keys matches.");
        (whole.Status, whole.Headers.Location!.ToString().Contains(ada.ApiKey, StringComparison.Ordinal)).ShouldBe((303, false));
    }

    [Theory, OnEveryEngine]
    public async Task An_account_that_is_not_there_or_was_deleted_is_said_to_be_so(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        var gone = await own.SignUpAsync();
        await gone.Session.SendAsync(HttpMethod.Delete, "/auth/account", new { password = TestAccount.Password });

        var missing = await person.GetAsync("/operator/accounts/019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90");
        var deleted = await person.GetAsync($"/operator/accounts/{gone.UserId}");

        (missing.Status, missing.ContentType, deleted.Status).ShouldBe((404, "text/html", 200));
        deleted.Text.ShouldContain("<bdi>Deleted account</bdi>");
        deleted.Text.ShouldNotContain("Revoke the key");
    }
}
