using System.Text.RegularExpressions;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Site;

public sealed partial class KeyPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task A_new_key_works_is_shown_once_and_a_form_sent_twice_makes_no_second(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var form = new Dictionary<string, string>
        {
            ["name"] = "CI", ["days"] = "30", ["once"] = OnceOf((await person.GetAsync("/app/keys")).Text),
        };

        var made = await person.SendFormAsync("/app/keys", form);
        var again = await person.SendFormAsync("/app/keys", form);
        var list = await person.GetAsync("/app/keys");

        made.Status.ShouldBe(200, made.Text);
        made.Headers.CacheControl!.NoStore.ShouldBeTrue();
        var key = SecretOf(made.Text);
        (await server.WithKey(key).GetAsync("/quota")).Status.ShouldBe(200);
        again.Status.ShouldBe(409);
        again.Text.ShouldNotContain(key);
        list.Text.ShouldContain(key[..20]);
        list.Text.ShouldNotContain(key);
        (await KeysAsync(account)).Count(name => name == "CI").ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_new_key_has_the_scopes_and_the_limit_that_were_chosen_and_its_page_shows_who_made_it(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var form = new Dictionary<string, string>
        {
            ["name"] = "CI",
            ["once"] = OnceOf((await person.GetAsync("/app/keys")).Text),
            ["scopes"] = "chosen",
            ["scope-usage:write"] = "on",
            ["limit"] = "90",
        };

        var made = await person.SendFormAsync("/app/keys", form);

        var key = server.WithKey(SecretOf(made.Text));
        (await key.GetAsync("/usage")).Code.ShouldBe("scope_missing");
        (await key.PostAsync("/usage", new { event_type = "migration" })).Status.ShouldBe(200);
        var id = (await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetGuid();
        var page = (await person.GetAsync($"/app/keys/{id}")).Text;
        page.ShouldContain("<dt>Allows</dt><dd>usage:write</dd>");
        page.ShouldContain("<dt>Limit</dt><dd>90 requests a minute</dd>");
        page.ShouldContain("<dt>Made by</dt><dd>A person who had signed in</dd>");
        page.ShouldContain("1 migration in all");
        (await person.GetAsync(await FirstKeyOfSignUpAsync(account))).Text.ShouldContain("<dt>Made by</dt><dd>The sign-up</dd>");
        (await person.GetAsync("/app/keys")).Text.Split("class=\"spark\"").Length.ShouldBe(2);
    }

    [Theory, OnBothEngines]
    public async Task A_key_without_scopes_or_with_a_wrong_limit_is_refused_and_the_form_keeps_what_was_chosen(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var form = new Dictionary<string, string> { ["once"] = $"{Guid.CreateVersion7()}", ["scopes"] = "chosen", ["name"] = "Laptop" };

        var none = await person.SendFormAsync("/app/keys", form);
        var zero = await person.SendFormAsync("/app/keys", new(form) { ["scope-quota"] = "on", ["limit"] = "0", ["days"] = "30" });

        (none.Status, zero.Status).ShouldBe((422, 422));
        none.Text.ShouldContain("must name at least one scope");
        zero.Text.ShouldContain("Requests a minute must be");
        zero.Text.ShouldContain("value=\"Laptop\"");
        zero.Text.ShouldContain("<option value=\"30\" selected");
        zero.Text.Split(" checked").Length.ShouldBe(2);
        (await KeysAsync(account)).Count.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task A_replaced_key_works_until_its_time_is_over(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        var page = await FirstKeyAsync(account);

        var made = await person.SendFormAsync($"{page}/rotate", new() { ["grace"] = "60" });
        var twice = await person.SendFormAsync($"{page}/rotate", new() { ["grace"] = "60" });

        var key = SecretOf(made.Text);
        (made.Status, twice.Status).ShouldBe((200, 409));
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(200);
        own.Clock.Advance(TimeSpan.FromSeconds(61));
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(401);
        (await own.Server.WithKey(key).GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task A_revoked_key_is_refused_and_its_page_offers_nothing_more(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var page = await FirstKeyAsync(account);

        var revoked = await person.SendFormAsync($"{page}/revoke", []);

        new Uri(new Uri(server.Address, $"{page}/revoke"), revoked.Headers.Location!).AbsolutePath.ShouldBe("/app/keys");
        (await account.Key.GetAsync("/quota")).Status.ShouldBe(401);
        var shown = await person.GetAsync(page);
        shown.Text.ShouldContain("<dt>State</dt><dd>Revoked</dd>");
        shown.Text.ShouldNotContain("Revoke the key");
        (await person.SendFormAsync($"{page}/rotate", new() { ["grace"] = "0" })).Status.ShouldBe(409);
    }

    [Theory, OnBothEngines]
    public async Task Another_accounts_key_is_not_found(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var owner = await servers.SignUpAsync(engine);
        var stranger = await Person.SignedInAsync(server, await servers.SignUpAsync(engine));
        var page = await FirstKeyAsync(owner);

        (await stranger.GetAsync(page)).Status.ShouldBe(404);
        (await stranger.SendFormAsync($"{page}/rotate", new() { ["grace"] = "0" })).Status.ShouldBe(404);
        (await stranger.SendFormAsync($"{page}/revoke", [])).Status.ShouldBe(404);
        (await owner.Key.GetAsync("/quota")).Status.ShouldBe(200);
    }

    [Theory, OnBothEngines]
    public async Task Fields_that_no_form_of_ours_sends_are_refused(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var once = Guid.CreateVersion7().ToString();

        (await person.SendFormAsync("/app/keys", new() { ["name"] = "x" })).Status.ShouldBe(422);
        (await person.SendFormAsync("/app/keys", new() { ["once"] = once, ["days"] = "31" })).Status.ShouldBe(422);
        (await person.SendFormAsync("/app/keys", new() { ["once"] = once, ["name"] = new string('x', 101) })).Status.ShouldBe(422);
        (await person.SendFormAsync($"{await FirstKeyAsync(account)}/rotate", new() { ["grace"] = "61" })).Status.ShouldBe(400);
        (await person.GetAsync("/app/keys?state=some")).Status.ShouldBe(422);
        (await person.GetAsync("/app/keys?cursor=x")).Status.ShouldBe(422);

        (await KeysAsync(account)).Count.ShouldBe(1);
    }

    [Theory, OnBothEngines]
    public async Task More_keys_than_a_page_has_are_on_the_next(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        for (var i = 0; i < 51; i++)
            (await account.Session.PostAsync("/auth/api-keys", new { name = $"key {i}." })).Status.ShouldBe(201);
        var person = await Person.SignedInAsync(server, account);

        var first = await person.GetAsync("/app/keys");
        var next = NextPage().Match(first.Text).Groups["query"].Value;
        var second = await person.GetAsync($"/app/keys?{next}");

        first.Text.ShouldContain("key 50.");
        first.Text.ShouldNotContain("key 0.");
        first.Text.Length.ShouldBeLessThan(60_000);
        second.Text.ShouldContain("key 0.");
        second.Text.ShouldNotContain("key 1.");
    }

    [Theory, OnBothEngines]
    public async Task Keys_are_found_by_their_state_by_a_part_of_their_name_or_by_their_start(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var person = await Person.SignedInAsync(own.Server, account);
        var (ended, deleted) = (await AddAsync("100%_CI", own.Clock.GetUtcNow().AddDays(1)), await AddAsync("Laptop"));
        own.Clock.Advance(TimeSpan.FromDays(2));
        await person.SendFormAsync($"/app/keys/{deleted.Id()}/revoke", []);

        (await NamesAsync("?state=expired")).ShouldBe(["100%_CI"]);
        (await NamesAsync("?state=revoked")).ShouldBe(["Laptop"]);
        (await NamesAsync("?state=active")).ShouldBe(["Default"]);
        (await NamesAsync("?q=%25_c")).ShouldBe(["100%_CI"]);
        (await NamesAsync("?q=LAPTOP&state=all")).ShouldBe(["Laptop"]);
        (await NamesAsync($"?q={ended["api_key"].GetString()![..15]}")).ShouldBe(["100%_CI"]);
        (await person.GetAsync("/app/keys?q=apt_p")).Text.ShouldContain("No key matches.");
        var whole = await person.GetAsync($"/app/keys?q={account.ApiKey}");
        whole.Headers.Location!.ToString().ShouldBe($"../app/keys?q={account.ApiKey[..20]}");
        (await person.GetAsync($"/app/keys?q={new string('x', 101)}")).Status.ShouldBe(422);

        async Task<List<string>> NamesAsync(string query) =>
            [.. PageTable.Rows((await person.GetAsync($"/app/keys{query}")).Text).Select(static row => row.Split('|')[0])];

        Task<Answer> AddAsync(string name, DateTimeOffset? end = null) =>
            account.Session.PostAsync("/auth/api-keys", end is null ? new { name } : new { name, expires_at = end });
    }

    [Theory, OnBothEngines]
    public async Task The_name_of_a_key_is_encoded_wherever_it_is_shown(StorageEngine engine)
    {
        const string Markup = "\"'><script>alert(1)</script>";
        var server = await servers.OnAsync(engine);
        var account = await servers.SignUpAsync(engine);
        var person = await Person.SignedInAsync(server, account);
        var created = await account.Session.PostAsync("/auth/api-keys", new { name = Markup });
        var page = $"/app/keys/{created.Id()}";

        Answer[] pages =
        [
            await person.GetAsync("/app/keys"),
            await person.GetAsync(page),
            await person.SendFormAsync("/app/keys", new() { ["name"] = Markup }),
            await person.SendFormAsync($"{page}/rotate", new() { ["grace"] = "0" }),
        ];

        foreach (var shown in pages)
        {
            shown.Text.ShouldContain("&lt;script&gt;alert(1)&lt;/script&gt;");
            shown.Text.ShouldNotContain("<script>");
            shown.Text.ShouldNotContain("\"'>");
        }
    }

    private static async Task<string> FirstKeyAsync(TestAccount account) =>
        $"/app/keys/{(await account.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetGuid()}";

    private static async Task<string> FirstKeyOfSignUpAsync(TestAccount account) =>
        $"/app/keys/{(await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray().Last().GetProperty("id").GetGuid()}";

    private static async Task<List<string?>> KeysAsync(TestAccount account) =>
        [.. (await account.Session.GetAsync("/auth/api-keys"))["data"].EnumerateArray().Select(key => key.GetProperty("name").GetString())];

    private static string OnceOf(string page) => Once().Match(page).Groups["once"].Value;

    private static string SecretOf(string page) => Secret().Match(page).Groups["key"].Value;

    [GeneratedRegex("name=\"once\" value=\"(?<once>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Once();

    [GeneratedRegex("data-once>(?<key>pyr_live_[0-9a-f]{48})<", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Secret();

    [GeneratedRegex("href=\"[^\"]+[?](?<query>cursor=[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NextPage();
}
