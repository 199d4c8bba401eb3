using PyResolve.Server.Tests.Alerts;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Site;

public sealed class AlertPageTests(SharedServers servers)
{
    [Theory, OnBothEngines]
    public async Task An_account_begins_with_80_and_100_per_cent_and_adds_and_removes_others(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        var person = await Person.SignedInAsync(alerting.Server, alerting.Account);
        PageTable.Rows((await person.GetAsync("/app/alerts")).Text).ShouldBe(
            ["80 %|4 of 5|Not yet|Remove", "100 %|5 of 5|Not yet|Remove"]);

        await SendAsync(person, "/app/alerts", "50");
        await SendAsync(person, "/app/alerts", "50");
        await SendAsync(person, "/app/alerts/remove", "80");

        PageTable.Rows((await person.GetAsync("/app/alerts")).Text).ShouldBe(
            ["50 %|3 of 5|Not yet|Remove", "100 %|5 of 5|Not yet|Remove"]);
        await alerting.RecordAsync(4);
        (await alerting.ReachedAsync()).ShouldBe("50");
        await SendAsync(person, "/app/alerts/remove", "100");
        await SendAsync(person, "/app/alerts/remove", "50");
        (await person.GetAsync("/app/alerts")).Text.ShouldContain("There is no alert.");
    }

    [Theory, OnBothEngines]
    public async Task An_alert_that_this_month_has_passed_is_marked_and_gives_no_email(StorageEngine engine)
    {
        await using var alerting = await AlertingServer.StartAsync(engine, servers);
        var person = await Person.SignedInAsync(alerting.Server, alerting.Account);
        await alerting.RecordAsync(3);

        await SendAsync(person, "/app/alerts", "40");
        await alerting.RecordAsync(1);

        (await alerting.ReachedAsync()).ShouldBe("40 80");
        (await alerting.SubjectsAsync(1)).ShouldBe(["80 % of the migrations of November 2026 are used"]);
        PageTable.Rows((await person.GetAsync("/app/alerts")).Text)[0].ShouldStartWith("40 %|2 of 5|Reached 15 Nov 2026");
    }

    [Theory]
    [InlineData("0")]
    [InlineData("201")]
    [InlineData("-1")]
    [InlineData("ten")]
    [InlineData("")]
    public async Task A_share_that_is_none_is_refused_beside_its_field(string percent)
    {
        var server = await servers.OnAsync(StorageEngine.Sqlite);
        var person = await Person.SignedInAsync(server, await servers.SignUpAsync(StorageEngine.Sqlite));

        var refused = await person.SendFormAsync("/app/alerts", new() { ["percent"] = percent });

        refused.Status.ShouldBe(422);
        refused.Text.ShouldContain("id=\"percent-error\"");
    }

    [Theory, OnBothEngines]
    public async Task An_account_has_at_most_ten_alerts(StorageEngine engine)
    {
        var server = await servers.OnAsync(engine);
        var person = await Person.SignedInAsync(server, await servers.SignUpAsync(engine));

        for (var percent = 1; percent <= 8; percent++)
            await SendAsync(person, "/app/alerts", $"{percent}");
        var eleventh = await person.SendFormAsync("/app/alerts", new() { ["percent"] = "9" });

        eleventh.Status.ShouldBe(422);
        eleventh.Text.ShouldContain("an account has at most 10 alerts");
        eleventh.Text.ShouldContain("This server sends no email");
    }

    private static async Task SendAsync(Person person, string path, string percent) =>
        (await person.SendFormAsync(path, new() { ["percent"] = percent })).Status.ShouldBe(303);
}
