namespace PyResolve.Server.Tests.Credits;

/// <summary>
/// One account's plan, credits and overage, unit by unit. A unit that is committed late is charged to what it was drawn on: credits may be
/// owed, and overage exceed its limit.
/// </summary>
internal sealed class CreditModel(int limit, int overage)
{
    private readonly List<Hold> _holds = [];

    public int Given { get; set; }

    public BeyondView At(string month) => new(
        Used: Units(month).Count(static unit => unit.State is State.Used),
        Held: Units(month).Count(static unit => unit.State is State.Open),
        Remaining: Math.Max(0, limit - Units(month).Count(static unit => unit.State is not State.Back)),
        Credits: Math.Max(0, CreditsLeft),
        Overage: Count(month, Source.Overage));

    /// <summary>Of the events.</summary>
    public (int Credits, int Overage) Spent => (
        _holds.Sum(static hold => hold.Units.Count(static unit => unit is { Source: Source.Credits, State: State.Used })),
        _holds.Sum(static hold => hold.Units.Count(static unit => unit is { Source: Source.Overage, State: State.Used })));

    private int CreditsLeft =>
        Given - _holds.Sum(static hold => hold.Units.Count(static unit => unit is { Source: Source.Credits, State: not State.Back }));

    public bool Covers(int quantity, string month) =>
        quantity <= PlanLeft(month) + Math.Max(0, CreditsLeft) + OverageLeft(month);

    public bool Reserve(int quantity, string month, DateTimeOffset expiresAt)
    {
        if (!Covers(quantity, month))
            return false;
        var (ofPlan, ofCredits) = (PlanLeft(month), Math.Max(0, CreditsLeft));
        var units = Enumerable.Range(0, quantity).Select(number => new Unit(
            number < ofPlan ? Source.Plan : number < ofPlan + ofCredits ? Source.Credits : Source.Overage));
        _holds.Add(new Hold(month, expiresAt, [.. units]));
        return true;
    }

    public void Commit(int index, int quantity)
    {
        var hold = _holds[index];
        if (hold.IsCommitted)
            return;
        hold.IsCommitted = true;
        hold.Units.Take(quantity).ToList().ForEach(static unit => unit.State = State.Used);
        Return(hold);
    }

    public void Release(int index)
    {
        if (!_holds[index].IsCommitted)
            Return(_holds[index]);
    }

    public void MoveTo(DateTimeOffset now) => _holds.Where(hold => hold.ExpiresAt <= now).ToList().ForEach(Return);

    private static void Return(Hold hold) =>
        hold.Units.Where(static unit => unit.State is State.Open).ToList().ForEach(static unit => unit.State = State.Back);

    private int PlanLeft(string month) => Math.Max(0, limit - Count(month, Source.Plan));

    private int OverageLeft(string month) => Math.Max(0, overage - Count(month, Source.Overage));

    private int Count(string month, Source source) =>
        Units(month).Count(unit => unit.Source == source && unit.State is not State.Back);

    private IEnumerable<Unit> Units(string month) => _holds.Where(hold => hold.Month == month).SelectMany(static hold => hold.Units);

    private enum Source
    {
        Plan,
        Credits,
        Overage,
    }

    private enum State
    {
        Open,
        Used,
        Back,
    }

    private sealed record Hold(string Month, DateTimeOffset ExpiresAt, List<Unit> Units)
    {
        public bool IsCommitted { get; set; }
    }

    private sealed class Unit(Source source)
    {
        public Source Source => source;

        public State State { get; set; }
    }
}
