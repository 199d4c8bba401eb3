using System.CommandLine;
using PyResolve.Cli.Base;
using PyResolve.Cli.Help;
using PyResolve.Cli.Output;
using PyResolve.Client;
using PyResolve.Client.Wire;

namespace PyResolve.Cli.Commands;

/// <summary>Migrations that are held: reserved by work that runs now, by work that died, or prepaid on a machine.</summary>
internal static class HoldsCommand
{
    public const string CommandName = "holds";

    private static readonly Argument<string> Id = new("id")
    {
        Description = "The reservation's id, or its last characters, from: pyresolve holds list",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> All =
        new("--all") { Description = "Release every reservation except prepaid ones." };

    public static Command Create(Terminal terminal)
    {
        var list = new ExplainedCommand(
            "list", "Show reserved migrations, and when each reservation ends. Running upgrades and prepaid migrations reserve them.",
            "pyresolve holds list", "pyresolve holds list --json")
        {
            GlobalOptions.Json,
        };
        list.SetAction((parse, cancellationToken) => ListAsync(terminal, parse, cancellationToken));
        var release = new ExplainedCommand(
            "release",
            "Release reserved migrations, for example of an upgrade that crashed. "
                + "An upgrade that is still running is then recorded as late.",
            "pyresolve holds release 3fa1c0de77b2", "pyresolve holds release --all --yes")
        {
            Id, All, Confirmation.Yes, GlobalOptions.Json,
        };
        release.SetAction((parse, cancellationToken) => ReleaseAsync(terminal, parse, cancellationToken));
        return new ExplainedCommand(
            CommandName, "Show and release reserved migrations.", "pyresolve holds list", "pyresolve holds release 3fa1c0de77b2")
        {
            list, release,
        };
    }

    private static async Task<int> ListAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        var reservations = await ReadAsync(client, cancellationToken);
        if (parse.GetValue(GlobalOptions.Json))
            terminal.Exact(CliJson.Write(new HoldsReport([.. reservations.Select(Describe)])));
        else if (reservations.Count == 0)
            terminal.Line("Nothing is held.");
        else
            Show(terminal, reservations);
        return ExitCodes.Success;
    }

    private static void Show(Terminal terminal, List<Reservation> reservations)
    {
        var table = new Table(new("Library"), new("Id"), new("Tier"), new("Held", IsNumber: true), new("Until"), new(""));
        foreach (var reservation in reservations)
        {
            table.Add(
                reservation.Library ?? "any", ShortId(reservation.Id), reservation.Tier, QuotaText.FormatNumber(reservation.Remaining),
                QuotaText.FormatTime(reservation.ExpiresAt), IsPrepaid(reservation) ? "prepaid" : "");
        }
        table.Write(terminal);
    }

    private static async Task<int> ReleaseAsync(Terminal terminal, ParseResult parse, CancellationToken cancellationToken)
    {
        var (id, isAll) = (parse.GetValue(Id), parse.GetValue(All));
        if (id is null != isAll)
            throw CliException.Usage("Give the id of a reservation, or --all.", "To see them: pyresolve holds list");
        await using var client = ClientFactory.CreateLoggedIn(GlobalOptions.GetProfile(parse));
        var reservations = await ReadAsync(client, cancellationToken);
        var chosen = isAll ? [.. reservations.Where(static one => !IsPrepaid(one))] : new List<Reservation> { Find(reservations, id!) };
        if (isAll && chosen.Count > 0)
        {
            var what = QuotaText.Pluralize(chosen.Count, "reservation");
            await Confirmation.AskAsync(terminal, parse, $"Release {what}, also of upgrades that run now?", cancellationToken);
        }

        foreach (var reservation in chosen)
            await client.ReleaseReservationAsync(reservation.Id, cancellationToken);
        if (parse.GetValue(GlobalOptions.Json))
            terminal.Exact(CliJson.Write(new HoldsReport([.. chosen.Select(Describe)])));
        else
            Confirm(terminal, chosen);
        return ExitCodes.Success;
    }

    private static void Confirm(Terminal terminal, List<Reservation> released)
    {
        if (released.Count == 0)
            terminal.Success("No reservation can be released");
        foreach (var reservation in released)
        {
            terminal.Success($"Released {ShortId(reservation.Id)} ({QuotaText.Pluralize(reservation.Remaining, "migration")})");
            if (IsPrepaid(reservation))
                terminal.Line($"  They are prepaid on a machine, and stay held until {QuotaText.FormatTime(reservation.ExpiresAt)}.");
        }
    }

    private static async Task<List<Reservation>> ReadAsync(PyResolveClient client, CancellationToken cancellationToken)
    {
        var reservations = new List<Reservation>();
        await foreach (var reservation in client.EnumerateReservationsAsync(ReservationStates.Held, cancellationToken))
            reservations.Add(reservation);
        return reservations;
    }

    private static Reservation Find(List<Reservation> reservations, string text)
    {
        const int LeastEnd = 4;
        var found = reservations
            .Where(one => text.Length >= LeastEnd && one.Id.ToString().EndsWith(text, StringComparison.OrdinalIgnoreCase)).ToList();
        return found switch
        {
            [var one] => one,
            [] => throw new CliException(ExitCodes.Failure, $"Nothing is held with the id '{text}'.", "See: pyresolve holds list"),
            _ => throw CliException.Usage(
                $"'{text}' matches {found.Count} reservations.", "Give the whole id: pyresolve holds list --json"),
        };
    }

    private static HoldEntry Describe(Reservation reservation) => new(
        reservation.Id, reservation.Library, reservation.Tier, reservation.Quantity, reservation.Remaining, reservation.Month,
        reservation.ExpiresAt, IsPrepaid(reservation));

    private static bool IsPrepaid(Reservation reservation) => reservation.Lease is not null;

    /// <summary>The last part of an id tells reservations apart; the first is the time.</summary>
    private static string ShortId(Guid id) => id.ToString()[^12..];
}
