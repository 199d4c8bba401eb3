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
/// opposite order, so that the plan's quota is used up first.
/// </summary>
/// <param name="Credits">Drawn at first.</param>
/// <param name="Overage">Drawn at first.</param>
/// <param name="OpenCredits">Neither spent nor given back, in the order in which they are spent.</param>
/// <param name="OpenOverage">Neither spent nor given back.</param>
internal sealed record BeyondPlan(int Credits, int Overage, IReadOnlyList<CreditDraw> OpenCredits, int OpenOverage)
{
    /// <summary>Given back since the row was read.</summary>
    public IReadOnlyList<CreditDraw> ReturnedCredits { get; private init; } = [];

    /// <inheritdoc cref="ReturnedCredits"/>
    public int ReturnedOverage { get; private init; }

    public int OpenCreditUnits => Sum(OpenCredits);

    public int ReturnedCreditUnits => Sum(ReturnedCredits);

    public int Open => OpenCreditUnits + OpenOverage;

    public static BeyondPlan Draw(IReadOnlyList<CreditDraw> credits, int overage) => new(Sum(credits), overage, credits, overage);

    public UnitSources SourcesOf(int units)
    {
        var credits = Math.Min(units, OpenCreditUnits);
        return new UnitSources(credits, Math.Min(units - credits, OpenOverage));
    }

    public BeyondPlan Spend(int units)
    {
        var sources = SourcesOf(units);
        return this with { OpenCredits = Split(OpenCredits, sources.Credits).Others, OpenOverage = OpenOverage - sources.Overage };
    }

    public BeyondPlan ReturnAllBut(int units)
    {
        if (Open <= units)
            return this;
        var overage = Math.Min(Open - units, OpenOverage);
        var (kept, returned) = Split(OpenCredits, OpenCreditUnits - (Open - units - overage));
        return this with
        {
            OpenCredits = kept,
            OpenOverage = OpenOverage - overage,
            ReturnedCredits = [.. ReturnedCredits, .. returned],
            ReturnedOverage = ReturnedOverage + overage,
        };
    }

    /// <summary>As it is stored: <c>3+2;grant=1,grant=2</c>. Open overage has a column of its own.</summary>
    public string ToText()
    {
        var open = OpenCredits.Select(static draw => string.Create(CultureInfo.InvariantCulture, $"{draw.GrantId:D}={draw.Units}"));
        return string.Create(CultureInfo.InvariantCulture, $"{Credits}+{Overage};{string.Join(',', open)}");
    }

    public static BeyondPlan Parse(string text, int openOverage)
    {
        var parts = text.Split(';', '+');
        return new BeyondPlan(
            Number(parts[0]),
            Number(parts[1]),
            [
                .. parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Select(static draw =>
                    new CreditDraw(Guid.ParseExact(draw[..36], "D"), Number(draw[37..]))),
            ],
            openOverage);
    }

    private static int Number(string text) => int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture);

    private static int Sum(IReadOnlyList<CreditDraw> draws) => draws.Sum(static draw => draw.Units);

    private static (IReadOnlyList<CreditDraw> First, IReadOnlyList<CreditDraw> Others) Split(IReadOnlyList<CreditDraw> draws, int units)
    {
        var (first, rest) = (new List<CreditDraw>(), new List<CreditDraw>());
        foreach (var draw in draws)
        {
            var taken = Math.Min(units, draw.Units);
            units -= taken;
            if (taken > 0)
                first.Add(draw with { Units = taken });
            if (taken < draw.Units)
                rest.Add(draw with { Units = draw.Units - taken });
        }

        return (first, rest);
    }
}
