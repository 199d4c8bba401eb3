using System.Globalization;
using PyResolve.Client.Wire;
using PyResolve.Server.Ledger;
using PyResolve.Server.Plans;
using PyResolve.Server.Quota;

namespace PyResolve.Server.Tests.Credits;

/// <summary>The decisions alone, over the ends of months, in every order of the steps: every figure is that of a simple model.</summary>
public sealed class CreditMonthTests
{
    private const int Limit = 2;
    private const int Overage = 2;

    private static readonly Guid Ada = Guid.Parse("019ab3c2-7d1e-7c4a-9f0b-000000000001");

    private static readonly string[] Steps =
        ["hold 3", "hold 2", "commit first", "commit second", "release first", "give 2", "expire", "next month"];

    [Fact]
    public void Every_order_of_six_steps_agrees_with_the_model()
    {
        foreach (var order in CreditOrderTests.Orders(Steps, length: 6))
        {
            var account = new MemoryAccount();
            foreach (var step in order)
            {
                account.Take(step);
                account.Figures.ShouldBe(account.Model.At(account.Month), $"{string.Join(", ", order)}: {step}");
                account.Quota.CanMigrate.ShouldBe(account.Model.Covers(1, account.Month), $"{string.Join(", ", order)}: {step}");
            }

            account.Spent.ShouldBe(account.Model.Spent, string.Join(", ", order));
        }
    }

    /// <summary>What the database keeps of one account.</summary>
    private sealed class MemoryAccount
    {
        private readonly Dictionary<string, MonthTotals> _months = [];
        private readonly List<StoredReservation> _reservations = [];
        private readonly Dictionary<Guid, (long Units, long Drawn)> _grants = [];
        private readonly Plan _plan = new("pro", Limit, LlmAllowed: true, Price: null)
        {
            DrawsCredits = true,
            Overage = new PlanOverage("meter", [], MaxUnits: 100),
        };

        private DateTimeOffset _now = new(2026, 11, 15, 12, 0, 0, TimeSpan.Zero);
        private (int Credits, int Overage) _spent;

        public MemoryAccount() => Give(1);

        public CreditModel Model { get; } = new(Limit, Overage) { Given = 1 };

        public string Month => _now.ToString("yyyy-MM", CultureInfo.InvariantCulture);

        public (int Credits, int Overage) Spent => _spent;

        public QuotaSnapshot Quota
        {
            get
            {
                var totals = Totals(Month);
                var units = new QuotaUnits(totals.Used, totals.Held)
                {
                    CoveredByCredits = totals.Credits,
                    Overage = totals.Overage,
                    CreditsLeft = CreditGrant.LeftOf(Grants),
                    OverageLimit = Overage,
                };
                return QuotaReader.CreateSnapshot(_plan, units, _now);
            }
        }

        public BeyondView Figures => new(
            Quota.MigrationsUsed, Quota.MigrationsHeld, Quota.MigrationsRemaining.Value!.Value, Quota.Credits!.Value,
            Quota.OverageUsed!.Value);

        private IEnumerable<CreditGrant> Grants => _grants.OrderBy(static grant => grant.Key)
            .Select(static grant => new CreditGrant(Ada, grant.Key, grant.Value.Units, grant.Value.Drawn, Taken: 0));

        public void Take(string step)
        {
            switch (step)
            {
                case "hold 3" or "hold 2":
                    Reserve(step[^1] - '0').ShouldBe(Model.Reserve(step[^1] - '0', Month, _now.AddSeconds(60)));
                    break;
                case "commit first" when _reservations.Count > 0:
                    Commit(0, 2);
                    Model.Commit(0, 2);
                    break;
                case "commit second" when _reservations.Count > 1:
                    Commit(1, 1);
                    Model.Commit(1, 1);
                    break;
                case "release first" when _reservations.Count > 0:
                    if (_reservations[0].State != ReservationStates.Committed)
                        Settle(0, _reservations[0].Release());
                    Model.Release(0);
                    break;
                case "give 2":
                    Give(2);
                    Model.Given += 2;
                    break;
                case "expire" or "next month":
                    _now = step == "expire" ? _now.AddSeconds(61) : _now.AddMonths(1);
                    for (var index = 0; index < _reservations.Count; index++)
                        Settle(index, _reservations[index].At(_now));
                    Model.MoveTo(_now);
                    break;
            }
        }

        private MonthTotals Totals(string month) => _months.GetValueOrDefault(month) ?? new MonthTotals(0, 0, 0);

        private void Give(int units) => _grants[Guid.CreateVersion7(_now.AddSeconds(_grants.Count))] = (units, 0);

        private bool Reserve(int quantity)
        {
            var decisions = new ReservationDecisions(_now, givesLeases: false);
            decisions.AddAccount(Ada, _plan, Totals(Month), Grants, new ChosenOverage("pro", Overage));
            if (decisions.Decide(new PendingReservation(Ada, quantity, "tier1", TimeSpan.FromSeconds(60)))
                is not ReservationOutcome.Granted { Reservation: var granted })
                return false;
            _reservations.Add(granted);
            Draw(granted.Beyond?.Draws, sign: 1);
            Move(decisions.Months);
            return true;
        }

        private void Commit(int index, int quantity)
        {
            var reservation = _reservations[index];
            if (reservation.State == ReservationStates.Committed)
                return;
            var sources = reservation.SourcesOf(quantity);
            _spent = (_spent.Credits + sources.Credits, _spent.Overage + sources.Overage);
            var totals = Totals(reservation.Month);
            _months[reservation.Month] = totals with { Used = totals.Used + quantity };
            Settle(index, reservation.Commit(quantity, reservation.Id, _now));
        }

        private void Settle(int index, StoredReservation after)
        {
            var changes = new MonthChanges();
            changes.Settle(_reservations[index], after);
            Move(changes);
            Draw(after.Beyond?.ReturnedCredits, sign: -1);
            Draw(after.Beyond?.LateCredits, sign: 1);
            // As if it were read again.
            _reservations[index] = after.Beyond is { } beyond
                ? after with { Beyond = BeyondPlan.Parse(beyond.ToText(), beyond.OpenOverage) }
                : after;
        }

        private void Move(MonthChanges changes)
        {
            foreach (var change in changes.All)
            {
                var totals = Totals(change.Month);
                _months[change.Month] = totals with
                {
                    Used = totals.Used + change.Lapsed,
                    Held = totals.Held + change.Held,
                    Credits = totals.Credits + change.Credits,
                    Overage = totals.Overage + change.Overage,
                };
            }
        }

        private void Draw(IReadOnlyList<CreditDraw>? draws, int sign)
        {
            foreach (var draw in draws ?? [])
            {
                var (units, drawn) = _grants[draw.GrantId];
                drawn += sign * draw.Units;
                drawn.ShouldBeGreaterThanOrEqualTo(0);
                _grants[draw.GrantId] = (units, drawn);
            }
        }
    }
}
