using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Site;

namespace PyResolve.Server.Tests.Operators;

public sealed class AccountSearchTests(SharedServers servers)
{
    [Theory, OnEveryEngine]
    public async Task One_box_finds_an_account_by_address_id_key_and_customer(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support, "operator@example.com");
        var ada = await own.SignUpAsync("ada@example.com");
        await own.SignUpAsync("bob@example.com");
        await own.Store.ExecuteSqlAsync($"update profiles set stripe_customer_id = 'cus_Ada1' where id = '{ada.UserId}'");

        string[] queries =
        [
            "ada@", "ADA@EXAMPLE.COM", " ada@example.com ", ada.UserId.ToString(), ada.ApiKey[..20], ada.ApiKey[..15], "cus_Ada1",
        ];
        foreach (var query in queries)
        {
            var page = await person.GetAsync($"/operator/accounts?q={Uri.EscapeDataString(query)}");
            PageTable.Rows(page.Text).ShouldHaveSingleItem(query).ShouldStartWith("ada@example.com|");
        }

        string[] others = ["ada%", "a_a@", "' or 1=1 --", "pyr_live_zz", "cus_", "example.com", "019ab3c2-7d1e-7c4a-9f0b-3f1d5a6e8b90"];
        foreach (var query in others)
        {
            var page = await person.GetAsync($"/operator/accounts?q={Uri.EscapeDataString(query)}");
            page.Text.ShouldContain("No account matches", customMessage: query);
        }
    }

    [Theory, OnEveryEngine]
    public async Task A_whole_key_does_not_stay_in_the_address_of_the_page(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        var ada = await own.SignUpAsync();

        var answer = await person.GetAsync($"/operator/accounts?q={ada.ApiKey}");

        answer.Status.ShouldBe(303);
        answer.Headers.Location!.OriginalString.ShouldEndWith($"operator/accounts?q={ada.ApiKey[..20]}");
        answer.Text.ShouldNotContain(ada.ApiKey);
    }

    [Theory, OnEveryEngine]
    public async Task All_accounts_are_listed_page_by_page_each_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support, "zz-operator@example.com");
        var at = engine is not StorageEngine.Sqlite ? "now()" : "0";
        for (var i = 0; i < 120; i++)
        {
            var id = $"019ab3c2-7d1e-7c4a-9f0b-{i:000000000000}";
            await own.Store.ExecuteSqlAsync(
                $"insert into profiles (id, email, created_at, updated_at) values ('{id}', 'p{i:000}@example.com', {at}, {at})");
        }

        var seen = new List<string>();
        var path = "/operator/accounts";
        for (var pages = 0; path is not null; pages++)
        {
            pages.ShouldBeLessThan(4);
            var page = await person.GetAsync(path);
            page.Text.Length.ShouldBeLessThan(60_000);
            seen.AddRange(PageTable.Rows(page.Text).Select(static row => row.Split('|')[0]));
            var next = page.Text.Split("accounts?after=");
            path = next.Length == 2 ? $"/operator/accounts?after={next[1].Split('"')[0]}" : null;
        }

        seen.ShouldBe([.. Enumerable.Range(0, 120).Select(static i => $"p{i:000}@example.com"), "zz-operator@example.com"]);
    }
}
