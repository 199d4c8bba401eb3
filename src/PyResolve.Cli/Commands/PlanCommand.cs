using System.CommandLine;
using System.Globalization;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

internal static class PlanCommand
{
    public const string CommandName = "plan";

    private static readonly Argument<string> Wanted =
        new("plan") { Description = "The plan to subscribe to.", DefaultValueFactory = _ => "pro" };

    private static readonly Option<string?> Interval =
        new("--interval") { Description = "month or year: how often it is paid, where there is a choice.", HelpName = "interval" };

    private static readonly Option<int?> Seats =
        new("--seats") { Description = "How many seats, where the plan has seats.", HelpName = "number" };

    private static readonly Option<bool> NoBrowser = new("--no-browser") { Description = "Only print the page to open." };

    public static Command Create(Terminal terminal)
    {
        var command = new ExplainedCommand(
            CommandName, "Compare the plans; subscribe, change or cancel.",
            "pyresolve plan", "pyresolve plan upgrade", "pyresolve plan portal")
        {
            GlobalOptions.Json,
        };
        command.SetAction((parse, cancellationToken) =>
            CompareAsync(terminal, GlobalOptions.GetProfile(parse), parse.GetValue(GlobalOptions.Json), cancellationToken));

        var upgrade = new ExplainedCommand(
            "upgrade", "Open the page where a plan is bought. Without a browser, the page is printed.",
            "pyresolve plan upgrade", "pyresolve plan upgrade unlimited --no-browser",
            "pyresolve plan upgrade team --interval year --seats 5")
        {
            Wanted, Interval, Seats, NoBrowser, GlobalOptions.Json,
        };
        upgrade.SetAction((parse, cancellationToken) => UpgradeAsync(terminal, parse, cancellationToken));
        var portal = new ExplainedCommand(
            "portal", "Open the page for invoices, the card, and cancelling.", "pyresolve plan portal", "pyresolve plan portal --json")
        {
            NoBrowser, GlobalOptions.Json,
        };
        portal.SetAction((parse, cancellationToken) => PortalAsync(terminal, parse, cancellationToken));
        command.Add(upgrade);
        command.Add(portal);
        return command;
    }

    private static async Task<int> CompareAsync(Terminal terminal, string? profile, bool isJson, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.Create(profile);
        var plans = await client.GetPlansAsync(cancellationToken);
        var current = client.Keys.FindApiKey() is null ? null : (await client.GetAccountAsync(cancellationToken)).Plan;
        if (isJson)
        {
            var all = CliJson.Wire(new(plans), WireJson.Default.PlanList).GetProperty("data");
            terminal.Exact(CliJson.Write(new PlansReport(current, all)));
            return ExitCodes.Success;
        }

        var table = new Table(new("Plan"), new("Migrations a month", IsNumber: true), new("LLM"), new("Price", IsNumber: true), new(""));
        foreach (var plan in plans)
        {
            table.Add(
                plan.Name,
                plan.MigrationsLimit.Value is { } limit ? QuotaText.FormatNumber(limit) : "no limit",
                plan.LlmAllowed ? terminal.Tick : terminal.Cross,
                FormatPrice(plan, isFirst: plan == plans[0]),
                plan.Name == current ? "your plan" : "");
        }
        table.Write(terminal);
        terminal.Line();
        terminal.Line("  To subscribe: pyresolve plan upgrade <plan>");
        return ExitCodes.Success;
    }

    private static async Task<int> UpgradeAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        try
        {
            var checkout = await client.StartCheckoutAsync(
                new CheckoutRequest
                {
                    Plan = parse.GetRequiredValue(Wanted),
                    Interval = parse.GetValue(Interval),
                    Quantity = parse.GetValue(Seats),
                },
                cancellationToken);
            return Show(terminal, parse, checkout.CheckoutUrl, "Pay on this page");
        }
        catch (PyResolveException e) when (e.Status is 400 or 422)
        {
            throw CliException.Usage(e.Cause, "To compare the plans: pyresolve plan");
        }
        catch (PyResolveException e) when (e.Problem is { Code: ProblemCodes.AlreadySubscribed, PortalUrl: { } portal })
        {
            if (!parse.GetValue(GlobalOptions.Json))
                terminal.Warning("You are subscribed already. Change the plan in the portal.");
            return Show(terminal, parse, portal, "Change your plan on this page");
        }
    }

    private static async Task<int> PortalAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        var portal = await client.OpenPortalAsync(cancellationToken);
        return Show(terminal, parse, portal.PortalUrl, "Your invoices, card and subscription");
    }

    private static int Show(Terminal terminal, ParseResult parse, string url, string what)
    {
        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(new LinkReport(url)));
            return ExitCodes.Success;
        }

        terminal.Line($"{what}:");
        terminal.Exact($"  {url}");
        if (!parse.GetValue(NoBrowser) && terminal.IsInteractive && Browser.TryOpen(url))
            terminal.Note("It was opened in your browser.");
        return ExitCodes.Success;
    }

    /// <summary>Amounts are in the currency's smallest unit: cents. The first plan is the one without payment.</summary>
    private static string FormatPrice(PlanInfo plan, bool isFirst) => plan.Price switch
    {
        { Amount: > 0 } price => string.Join(", ", (plan.Prices is [] ? [price] : plan.Prices).Select(FormatAmount))
            + (plan.PerSeat ? " and seat" : ""),
        null when !isFirst => "on request",
        _ => "free",
    };

    private static string FormatAmount(PlanPrice price)
    {
        var each = price.Metered ? "unit" : price.Interval;
        return string.Create(CultureInfo.InvariantCulture, $"{price.Amount / 100m:0.00} {price.Currency.ToUpperInvariant()} a {each}");
    }
}
