using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Operators;

public sealed class AccountFormTests(SharedServers servers)
{
    private const string Reason = "They asked <b>twice</b>";

    [Theory, OnEveryEngine]
    public async Task Each_change_is_in_the_log_with_the_operator_and_the_reason(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Admin, "op@example.com");
        var ada = await own.SignUpAsync();
        var key = (await ada.Session.GetAsync("/auth/api-keys"))["data"][0].GetProperty("id").GetString()!;

        Answer[] answers =
        [
            await person.SendAsync(ada, "plan", new() { ["plan"] = "pro" }),
            await person.SendAsync(ada, "units", new() { ["units"] = "7" }),
            await person.SendAsync(ada, "keys/revoke", new() { ["key"] = key }),
            await person.SendAsync(ada, "sessions/end"),
            await person.SendAsync(ada, "view"),
        ];

        answers.Select(static answer => answer.Status).ShouldAllBe(static status => status == 303);
        (await ada.Key.StatusAsync(), await ada.Session.StatusAsync()).ShouldBe((401, 401));
        string[] actions = ["account.plan_changed", "account.units_granted", "key.revoked", "session.all_ended", "account.viewed"];
        foreach (var action in actions)
        {
            (await own.Store.ReadNumberAsync(
                $"""
                select count(*) from audit_log a join profiles p on p.id = a.operator_id
                where a.user_id = '{ada.UserId}' and a.action = '{action}' and a.actor = 'operator' and p.email = 'op@example.com'
                  and a.reason = '{Reason}'
                """)).ShouldBe(1, action);
        }
    }

    [Theory, OnEveryEngine]
    public async Task A_form_without_a_reason_or_with_a_wrong_value_changes_nothing(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Admin);
        var ada = await own.SignUpAsync();
        var path = $"/operator/accounts/{ada.UserId}";

        (await person.SendFormAsync($"{path}/plan", new() { ["plan"] = "pro" })).Status.ShouldBe(422);
        (await person.SendFormAsync($"{path}/sessions/end", new() { ["reason"] = " " })).Status.ShouldBe(422);
        (await person.SendFormAsync($"{path}/view", [])).Status.ShouldBe(422);
        (await person.SendAsync(ada, "plan", new() { ["plan"] = "gold" })).Status.ShouldBe(422);
        (await person.SendAsync(ada, "plan", new() { ["plan"] = "pro", ["until"] = "2020-01-01" })).Status.ShouldBe(422);
        (await person.SendAsync(ada, "units", new() { ["units"] = "-1" })).Status.ShouldBe(422);
        (await person.SendAsync(ada, "units", new() { ["units"] = "1000001" })).Status.ShouldBe(422);
        (await person.SendAsync(ada, "keys/revoke", new() { ["key"] = "x" })).Status.ShouldBe(422);
        (await person.SendAsync(ada, "keys/revoke", new() { ["key"] = Guid.CreateVersion7().ToString() })).Status.ShouldBe(404);

        (await ada.Session.StatusAsync()).ShouldBe(200);
        (await ada.Key.GetAsync("/quota"))["plan"].GetString().ShouldBe("free");
        (await own.Store.ReadNumberAsync("select count(*) from audit_log where operator_id is not null")).ShouldBe(0);
    }

    [Theory, OnEveryEngine]
    public async Task Extra_units_count_in_their_month_alone_and_never_twice(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres, startAt: "2026-11-20T00:00:00Z");
        var person = await own.SignInOperatorAsync(OperatorRole.Admin);
        var ada = await own.SignUpAsync();
        (await ada.ReserveAsync(5)).Status.ShouldBe(201);
        (await ada.ReserveAsync(1)).Status.ShouldBe(402);

        await person.SendAsync(ada, "units", new() { ["units"] = "3" });
        await person.SendAsync(ada, "units", new() { ["units"] = "3" });
        var given = await ada.ReserveAsync(3);
        var beyond = await ada.ReserveAsync(1);
        var quota = await ada.Key.GetAsync("/quota");
        own.Clock.Advance(TimeSpan.FromDays(12));

        (given.Status, beyond.Status).ShouldBe((201, 402), given.Text);
        (quota["migrations_limit"].GetInt64(), quota["migrations_remaining"].GetInt64()).ShouldBe((8, 0));
        (await ada.Key.GetAsync("/quota"))["migrations_limit"].GetInt64().ShouldBe(5);
    }

    [Theory, OnEveryEngine]
    public async Task An_operator_sees_the_pages_of_an_account_for_an_hour_and_can_send_none_of_their_forms(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        var ada = await own.SignUpAsync("ada@example.com");

        var begun = await person.SendAsync(ada, "view");
        var seen = await person.GetAsync("/app/settings");
        var keys = await person.SendFormAsync("/app/keys", new() { ["once"] = Guid.CreateVersion7().ToString() });
        var renamed = await person.SendFormAsync("/app/settings/name", new() { ["name"] = "Mallory" });
        own.Clock.Advance(TimeSpan.FromMinutes(60));
        var later = await person.GetAsync("/app/settings");

        begun.Status.ShouldBe(303, begun.Text);
        seen.Text.ShouldContain("<strong>ada@example.com</strong>");
        seen.Text.ShouldContain("can change nothing");
        (keys.Status, renamed.Status).ShouldBe((403, 403));
        later.Text.ShouldNotContain("ada@example.com");
        (await own.Store.ReadNumberAsync($"select count(*) from api_keys where user_id = '{ada.UserId}'")).ShouldBe(1);
    }

    [Theory, OnEveryEngine]
    public async Task A_view_ends_with_its_button_and_with_the_role(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Server.AddOperatorAsync(account, OperatorRole.Support);
        var person = await Person.SignedInAsync(own.Server, account);
        var ada = await own.SignUpAsync("ada@example.com");

        await person.SendAsync(ada, "view");
        var ended = await person.SendFormAsync("/operator/view/end", []);
        var own1 = await person.GetAsync("/app/settings");
        await person.SendAsync(ada, "view");
        await own.Server.Services.GetRequiredService<OperatorList>().RemoveAsync(account.UserId, TestContext.Current.CancellationToken);
        var own2 = await person.GetAsync("/app/settings");

        ended.Headers.Location!.OriginalString.ShouldEndWith($"operator/accounts/{ada.UserId}");
        own1.Text.ShouldNotContain("ada@example.com");
        own2.Text.ShouldNotContain("ada@example.com");
    }
}
