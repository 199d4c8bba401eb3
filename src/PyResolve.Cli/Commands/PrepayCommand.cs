using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>Migrations of tier2 and tier3 that run without a network: a lease for this machine.</summary>
internal static class PrepayCommand
{
    public const string CommandName = "prepay";

    private const int MostMigrations = 1000;
    private const int MostDays = 7;

    private static readonly MigrationTier[] Tiers = [MigrationTier.Tier2, MigrationTier.Tier3];

    private static readonly Argument<int> Migrations =
        new("migrations") { Description = $"How many are to be prepaid on this machine: 1 to {MostMigrations}." };

    private static readonly Option<string> TierToTake = new Option<string>("--tier")
    {
        Description = "The tier; tier1 needs nothing prepaid.",
        DefaultValueFactory = _ => "tier2",
    }.AcceptOnlyFromAmong("tier2", "tier3");

    private static readonly Option<string?> TierToReturn =
        new Option<string?>("--tier") { Description = "Only this tier." }.AcceptOnlyFromAmong("tier2", "tier3");

    private static readonly Option<int> Days = new("--days")
    {
        Description = $"For how long: 1 to {MostDays}.",
        HelpName = "days",
        DefaultValueFactory = _ => MostDays,
    };

    public static Command Create(Terminal terminal)
    {
        var take = new ExplainedCommand(
            "take", "Have a number of migrations prepaid on this machine. They count as held until they are used or returned.",
            "pyresolve prepay take 10", "pyresolve prepay take 3 --tier tier3 --days 1")
        {
            Migrations, TierToTake, Days, GlobalOptions.Json,
        };
        take.SetAction((parse, cancellationToken) => TakeAsync(terminal, parse, cancellationToken));
        var show = new ExplainedCommand(
            "show", "Show what is prepaid on this machine. The server is not asked.",
            "pyresolve prepay show", "pyresolve prepay show --json")
        {
            GlobalOptions.Json,
        };
        show.SetAction((parse, cancellationToken) => ShowAsync(terminal, parse, cancellationToken));
        var giveBack = new ExplainedCommand(
            "return", "Return what is left of them. The server holds them until their time is over, then they are free.",
            "pyresolve prepay return", "pyresolve prepay return --tier tier3")
        {
            TierToReturn, GlobalOptions.Json,
        };
        giveBack.SetAction((parse, cancellationToken) => ReturnAsync(terminal, parse, cancellationToken));
        return new ExplainedCommand(
            CommandName, "Prepay migrations for work without a network.", "pyresolve prepay take 10", "pyresolve prepay show")
        {
            take, show, giveBack,
        };
    }

    /// <summary>What is prepaid of each tier that can be, or was and cannot be spent.</summary>
    public static async Task<IReadOnlyList<PrepaidQuota>> FindAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        var prepaid = new List<PrepaidQuota>();
        foreach (var tier in Tiers)
        {
            var found = await client.Quota.GetPrepaidAsync(tier, cancellationToken);
            if (found.Remaining > 0 || found.Problem is not null)
                prepaid.Add(found);
        }
        return prepaid;
    }

    public static PrepaidEntry Describe(PrepaidQuota prepaid) =>
        new(QuotaText.NameOf(prepaid.Tier), prepaid.Remaining, prepaid.ExpiresAt, prepaid.Problem);

    /// <summary><c>10 tier2 migrations, until 2026-12-05 12:00 UTC</c>.</summary>
    public static string Sentence(PrepaidQuota prepaid)
    {
        var until = prepaid.ExpiresAt is { } end ? $", until {QuotaText.FormatTime(end)}" : "";
        return $"{QuotaText.Pluralize(prepaid.Remaining, $"{QuotaText.NameOf(prepaid.Tier)} migration")}{until}";
    }

    private static async Task<int> TakeAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var (wanted, days) = (parse.GetRequiredValue(Migrations), parse.GetRequiredValue(Days));
        if (wanted is < 1 or > MostMigrations)
            throw CliException.Usage($"{wanted} is not between 1 and {MostMigrations} migrations.", "Use: pyresolve prepay take 10");
        if (days is < 1 or > MostDays)
            throw CliException.Usage($"--days {days} is not between 1 and {MostDays}.", "See: pyresolve prepay take --help");
        var tier = parse.GetRequiredValue(TierToTake) == "tier2" ? MigrationTier.Tier2 : MigrationTier.Tier3;
        await using var client = ClientFactory.CreateToPrepay(GlobalOptions.GetProfile(parse), wanted, TimeSpan.FromDays(days));

        var prepaid = await PrepayAsync(client, tier, cancellationToken);
        if (prepaid.Remaining == 0)
        {
            throw new CliException(
                ExitCodes.Denied, "Nothing could be prepaid: the month's quota is used up, or held.",
                "To see what is held: pyresolve holds list", "For a bigger quota: pyresolve plan upgrade");
        }

        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(new PrepaidReport([Describe(prepaid)])));
            return ExitCodes.Success;
        }

        terminal.Success($"Prepaid on this machine: {Sentence(prepaid)}");
        if (prepaid.Remaining < wanted)
            terminal.Warning($"The account had no quota left for the rest of the {wanted}.");
        terminal.Line("  They count as held until they are used or returned: pyresolve prepay return");
        return ExitCodes.Success;
    }

    private static async Task<PrepaidQuota> PrepayAsync(PyResolveClient client, MigrationTier tier, CancellationToken cancellationToken)
    {
        try
        {
            return await client.Quota.PrepayAsync(tier, cancellationToken);
        }
        catch (PyResolveException e) when (e.Code == ProblemCodes.LlmNotAllowed)
        {
            throw new CliException(
                ExitCodes.Denied, $"The plan does not include {QuotaText.NameOf(tier)}.", "To compare the plans: pyresolve plan",
                "tier1 is in every plan, and works without a network as it is.");
        }
    }

    private static async Task<int> ShowAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        var prepaid = await FindAsync(client, cancellationToken);
        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(new PrepaidReport([.. prepaid.Select(Describe)])));
            return ExitCodes.Success;
        }

        if (prepaid.Count == 0)
            terminal.Line("Nothing is prepaid on this machine.");
        foreach (var one in prepaid)
        {
            terminal.Line(Sentence(one));
            if (one.Problem is { } problem)
                terminal.Warning($"{QuotaText.NameOf(one.Tier)}: {problem}.");
        }
        return ExitCodes.Success;
    }

    private static async Task<int> ReturnAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        var returned = new List<PrepaidQuota>();
        foreach (var tier in Tiers)
        {
            if ((parse.GetValue(TierToReturn) ?? QuotaText.NameOf(tier)) != QuotaText.NameOf(tier))
                continue;
            if (await client.Quota.ReturnPrepaidAsync(tier, cancellationToken) is { Remaining: > 0 } found)
                returned.Add(found);
        }

        if (parse.GetValue(GlobalOptions.Json))
        {
            terminal.Exact(CliJson.Write(new PrepaidReport([.. returned.Select(Describe)])));
            return ExitCodes.Success;
        }

        if (returned.Count == 0)
            terminal.Line("Nothing is prepaid on this machine.");
        foreach (var one in returned)
        {
            terminal.Success($"Returned {QuotaText.Pluralize(one.Remaining, $"{QuotaText.NameOf(one.Tier)} migration")}");
            terminal.Line($"  Held by the server until {QuotaText.FormatTime(one.ExpiresAt!.Value)}, and free again then.");
        }
        return ExitCodes.Success;
    }
}
