using System.Globalization;
using System.Runtime.InteropServices;

namespace PyResolve.Server.Ledger;

/// <summary>Units of a reservation that were drawn on one grant of credits.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct CreditDraw(Guid GrantId, int Units);

/// <summary>How many of an event's units the plan's quota does not cover.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct UnitSources(int Credits, int Overage)
{
    public bool IsPlanOnly => Credits == 0 && Overage == 0;
}

/// <summary>
/// What a reservation drew beyond the plan's quota. Its units are spent in the order plan, credits, overage, and given back in the
/// opposite order, so that the plan's quota is used up first. A unit that is spent after it went back, by a late commit, is charged to
/// what it was drawn on.
/// </summary>
/// <param name="Plan">Units that the plan's quota covers.</param>
/// <param name="Draws">On credits, at first, in the order in which they are spent.</param>
/// <param name="Overage">Drawn at first.</param>
internal sealed record BeyondPlan(int Plan, IReadOnlyList<CreditDraw> Draws, int Overage)
{
    /// <summary>The credits that the reservation drew at first.</summary>
    public int Credits { get; } = Sum(Draws);

    /// <summary>Units of the reservation that events have spent, those of the plan included.</summary>
    public int Spent { get; private init; }

    /// <summary>The credits that are neither spent nor given back.</summary>
    public int OpenCredits { get; private init; } = Sum(Draws);

    /// <inheritdoc cref="OpenCredits"/>
    public int OpenOverage { get; private init; } = Overage;

    /// <summary>The credits that were given back since the row was read.</summary>
    public IReadOnlyList<CreditDraw> ReturnedCredits { get; private init; } = [];

    /// <inheritdoc cref="ReturnedCredits"/>
    public int ReturnedOverage { get; private init; }

    /// <summary>The credits that were spent since the row was read, after they had been given back.</summary>
    public IReadOnlyList<CreditDraw> LateCredits { get; private init; } = [];

    /// <inheritdoc cref="LateCredits"/>
    public int LateOverage { get; private init; }

    /// <summary>How much the credits and the overage of the month grow since the row was read.</summary>
    public UnitSources Change => new(Sum(LateCredits) - Sum(ReturnedCredits), LateOverage - ReturnedOverage);

    /// <summary>The credits and the overage that the spent units were charged to.</summary>
    public UnitSources Charged => new(SpentCredits, OverageBefore(Spent));

    private int Open => OpenCredits + OpenOverage;

    private int SpentCredits => CreditsBefore(Spent);

    /// <summary>The credits and the overage that the next units to be spent are charged to.</summary>
    public UnitSources SourcesOf(int units) => new(
        CreditsBefore(Spent + units) - SpentCredits,
        OverageBefore(Spent + units) - OverageBefore(Spent));

    public BeyondPlan Spend(int units)
    {
        var (credits, overage) = SourcesOf(units);
        var (heldCredits, heldOverage) = (Math.Min(credits, OpenCredits), Math.Min(overage, OpenOverage));
        return this with
        {
            Spent = Spent + units,
            OpenCredits = OpenCredits - heldCredits,
            OpenOverage = OpenOverage - heldOverage,
            LateCredits = [.. LateCredits, .. Slice(SpentCredits + heldCredits, credits - heldCredits)],
            LateOverage = LateOverage + overage - heldOverage,
        };
    }

    public BeyondPlan ReturnAllBut(int units)
    {
        if (Open <= units)
            return this;
        var overage = Math.Min(Open - units, OpenOverage);
        var credits = Open - units - overage;
        return this with
        {
            OpenCredits = OpenCredits - credits,
            OpenOverage = OpenOverage - overage,
            ReturnedCredits = [.. ReturnedCredits, .. Slice(SpentCredits + OpenCredits - credits, credits)],
            ReturnedOverage = ReturnedOverage + overage,
        };
    }

    /// <summary>The stored form: <c>1+2+0+3;grant=1,grant=2</c>. Open overage has a column of its own.</summary>
    public string ToText()
    {
        var draws = Draws.Select(static draw => string.Create(CultureInfo.InvariantCulture, $"{draw.GrantId:D}={draw.Units}"));
        return string.Create(CultureInfo.InvariantCulture, $"{Plan}+{Overage}+{Spent}+{OpenCredits};{string.Join(',', draws)}");
    }

    public static BeyondPlan Parse(string text, int openOverage)
    {
        var parts = text.Split(';', '+');
        CreditDraw[] draws =
        [
            .. parts[4].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static draw =>
                new CreditDraw(Guid.ParseExact(draw[..36], "D"), Number(draw[37..]))),
        ];
        return new BeyondPlan(Number(parts[0]), draws, Number(parts[1]))
        {
            Spent = Number(parts[2]),
            OpenCredits = Number(parts[3]),
            OpenOverage = openOverage,
        };
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static int Sum(IReadOnlyList<CreditDraw> draws) => draws.Sum(static draw => draw.Units);

    private int CreditsBefore(int units) => Math.Clamp(units - Plan, 0, Credits);

    private int OverageBefore(int units) => Math.Clamp(units - Plan - Credits, 0, Overage);

    private List<CreditDraw> Slice(int start, int count)
    {
        var slice = new List<CreditDraw>();
        foreach (var draw in Draws)
        {
            var units = Math.Min(start + count, draw.Units) - Math.Max(0, start);
            if (units > 0)
                slice.Add(draw with { Units = units });
            start -= draw.Units;
        }

        return slice;
    }
}
