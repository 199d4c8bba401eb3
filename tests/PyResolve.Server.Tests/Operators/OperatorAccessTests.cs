using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using PyResolve.Server.Operators;
using PyResolve.Server.Tests.Accounts;
using PyResolve.Server.Tests.Devices;

namespace PyResolve.Server.Tests.Operators;

/// <summary>Every route of the operator that the server has, also one that is added later, against every kind of person.</summary>
public sealed partial class OperatorAccessTests(SharedServers servers)
{
    private const string Unknown = "as a path that does not exist";
    private const string Refused = "refused";
    private const string Confirm = "has to confirm";
    private const string LetIn = "let in";

    /// <summary>What changes money.</summary>
    private static readonly string[] AdminsAlone =
    [
        "POST /operator/accounts/{id:guid}/plan", "POST /operator/accounts/{id:guid}/units", "POST /operator/accounts/{id:guid}/stripe",
        "POST /operator/accounts/{id:guid}/usage", "POST /operator/events/replay",
    ];

    private static readonly string[] WithoutProof = ["POST /operator/confirm", "POST /operator/view/end"];

    [Theory, OnBothEngines]
    public async Task Each_role_gets_what_is_its_own_on_every_route(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        var people = new Dictionary<string, Person>
        {
            ["anyone"] = new(own.Server),
            ["account"] = await Person.SignedInAsync(own.Server, await own.SignUpAsync()),
            ["support"] = await own.SignInOperatorAsync(OperatorRole.Support),
            ["admin"] = await own.SignInOperatorAsync(OperatorRole.Admin),
        };
        var routes = Routes(own.Server).ToList();
        routes.Count.ShouldBeGreaterThan(12);

        var fresh = await CellsAsync(people, routes, account, hasProof: true);
        own.Clock.Advance(TimeSpan.FromMinutes(15));
        var stale = await CellsAsync(people, routes, account, hasProof: false);

        fresh.ShouldBeEmpty();
        stale.ShouldBeEmpty();
    }

    [Theory, OnBothEngines]
    public async Task Who_is_no_operator_any_more_is_shut_out_at_once(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var account = await own.SignUpAsync();
        await own.Server.AddOperatorAsync(account, OperatorRole.Admin);
        var person = await Person.SignedInAsync(own.Server, account);

        var before = await person.GetAsync("/operator/accounts");
        await own.Server.Services.GetRequiredService<OperatorList>().RemoveAsync(account.UserId, TestContext.Current.CancellationToken);
        var after = await person.GetAsync("/operator/accounts");

        (before.Status, after.Status).ShouldBe((200, 404));
        after.ContentType.ShouldBe((await person.GetAsync("/no-such-path")).ContentType);
    }

    [Theory, OnBothEngines]
    public async Task A_proof_is_renewed_with_the_password_and_a_wrong_one_is_none(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var customer = await own.SignUpAsync();
        var person = await own.SignInOperatorAsync(OperatorRole.Support);
        own.Clock.Advance(TimeSpan.FromMinutes(15));

        var asked = await person.SendAsync(customer, "sessions/end");
        var wrong = await ConfirmAsync(person, "not the password", "operator/accounts");
        var still = await person.SendAsync(customer, "sessions/end");
        var proved = await ConfirmAsync(person, TestAccount.Password, "//evil.example");
        var done = await person.SendAsync(customer, "sessions/end");

        (asked.Status, wrong.Status, still.Status, proved.Status, done.Status).ShouldBe((303, 401, 303, 303, 303));
        asked.Headers.Location!.OriginalString.ShouldEndWith($"confirm?next=operator%2Faccounts%2F{customer.UserId}");
        still.Headers.Location!.OriginalString.ShouldContain("confirm");
        proved.Headers.Location!.OriginalString.ShouldEndWith("operator/accounts");
        done.Headers.Location!.OriginalString.ShouldEndWith("?done=sessions");
    }

    [Theory, OnBothEngines]
    public async Task With_a_second_factor_its_code_is_the_proof_and_the_password_is_none(StorageEngine engine)
    {
        await using var own = await OwnServer.StartAsync(engine, servers.Postgres);
        var customer = await own.SignUpAsync();
        var secured = await SecuredAccount.CreateAsync(own);
        await own.Server.AddOperatorAsync(secured.Account, OperatorRole.Support);
        var person = new Person(own.Server);
        var asked = await person.SendFormAsync(
            "/sign-in", new() { ["email"] = secured.Account.Email, ["password"] = TestAccount.Password, ["next"] = "operator" });
        var pending = Pending().Match(asked.Text).Groups["token"].Value;
        var signedIn = await person.SendFormAsync("/sign-in/code", new() { ["pending"] = pending, ["code"] = secured.App.Code() });
        own.Clock.Advance(TimeSpan.FromMinutes(15));

        var password = await ConfirmAsync(person, TestAccount.Password, "operator");
        var wrong = await person.SendFormAsync("/operator/confirm", new() { ["code"] = secured.App.WrongCode() });
        var still = await person.SendAsync(customer, "sessions/end");
        var proved = await person.SendFormAsync("/operator/confirm", new() { ["code"] = secured.App.Code() });
        var done = await person.SendAsync(customer, "sessions/end");

        signedIn.Headers.Location!.OriginalString.ShouldEndWith("operator");
        (password.Status, wrong.Status, proved.Status).ShouldBe((422, 401, 303));
        still.Headers.Location!.OriginalString.ShouldContain("confirm");
        done.Headers.Location!.OriginalString.ShouldEndWith("?done=sessions");
    }

    private static Task<Answer> ConfirmAsync(Person person, string password, string next) =>
        person.SendFormAsync("/operator/confirm", new() { ["password"] = password, ["next"] = next });

    private static async Task<List<string>> CellsAsync(
        Dictionary<string, Person> people, List<string> routes, TestAccount account, bool hasProof)
    {
        var wrong = new List<string>();
        foreach (var (who, person) in people)
        {
            var unknown = await person.GetAsync("/no-such-path");
            foreach (var route in routes)
            {
                var path = route.Split(' ')[1].Replace("{id:guid}", account.UserId.ToString(), StringComparison.Ordinal);
                var answer = route.StartsWith("GET ", StringComparison.Ordinal)
                    ? await person.GetAsync(path)
                    : await person.SendFormAsync(path, []);
                var cell = answer.Status == 404 && answer.ContentType == unknown.ContentType && answer.Code == unknown.Code ? Unknown
                    : answer.Status == 403 ? Refused
                    : answer.Headers.Location?.OriginalString.Contains("confirm?", StringComparison.Ordinal) is true ? Confirm
                    : answer.Text.Length > 0 || answer.Headers.Location is not null ? LetIn
                    : "nothing";
                if (cell != Expected(who, route, hasProof))
                    wrong.Add($"{who}, {route}: {cell} ({answer.Status}), expected: {Expected(who, route, hasProof)}");
            }
        }

        return wrong;
    }

    private static string Expected(string who, string route, bool hasProof) => who switch
    {
        "anyone" or "account" => Unknown,
        "support" when AdminsAlone.Contains(route) => Refused,
        _ when !hasProof && route.StartsWith("POST ", StringComparison.Ordinal) && !WithoutProof.Contains(route) => Confirm,
        _ => LetIn,
    };

    private static IEnumerable<string> Routes(TestServer server) =>
        from endpoint in server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let path = endpoint.RoutePattern.RawText!
        where path.StartsWith("/operator", StringComparison.Ordinal)
        from method in endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []
        where method != "HEAD"
        select $"{method} {path}";

    [GeneratedRegex("name=\"pending\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Pending();
}
