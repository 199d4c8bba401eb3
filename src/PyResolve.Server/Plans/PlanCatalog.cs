using PyResolve.Client.Wire;

namespace PyResolve.Server.Plans;

/// <summary>The plans, smallest first: <c>PyResolve:Plans</c>, or the four of the default.</summary>
internal sealed class PlanCatalog
{
    /// <summary>
    /// The name of the plan that the database gives an account to which no other was given. The plan without payment counts then, whatever
    /// its name, as for every name that the catalogue does not know.
    /// </summary>
    public const string Free = "free";

    /// <summary>The name of a plan that is given by contract. Set in the database by hand, it stays until an operator changes it.</summary>
    public const string Enterprise = "enterprise";

    private readonly Dictionary<string, (Plan Plan, int Rank)> _byName;

    public PlanCatalog(IConfiguration configuration)
    {
        All = PlanSettings.Read(configuration);
        Packs = CreditSettings.Read(configuration, All);
        HasCredits = All.Any(static plan => plan.DrawsCredits);
        HasOverage = All.Any(static plan => plan.Overage is not null);
        WithoutPayment = All.Single(static plan => plan.IsFree);
        Sold = [.. All.Where(static plan => plan.IsSold)];
        _byName = All.Select(static (plan, rank) => (plan, rank)).ToDictionary(static known => known.plan.Name, StringComparer.Ordinal);
    }

    /// <summary>All plans, smallest first.</summary>
    public IReadOnlyList<Plan> All { get; }

    public Plan WithoutPayment { get; }

    /// <summary>The packs of credits that can be bought.</summary>
    public IReadOnlyList<CreditPack> Packs { get; }

    /// <summary>The prices of credits and of overage, which give no plan.</summary>
    public IEnumerable<CatalogPrice> OtherPrices =>
        All.SelectMany(static plan => plan.Overage?.Prices ?? []).Concat(Packs.Select(static pack => pack.Price));

    public bool HasCredits { get; }

    public bool HasOverage { get; }

    public bool HasBeyond => HasCredits || HasOverage;

    /// <summary>The plans that can be bought.</summary>
    public IReadOnlyList<Plan> Sold { get; }

    public IEnumerable<string> Names => All.Select(static plan => plan.Name);

    public IEnumerable<CatalogPrice> Prices => Sold.SelectMany(static plan => plan.Prices);

    /// <summary>The plan that counts by this name.</summary>
    public Plan this[string name] => _byName.TryGetValue(name, out var known) ? known.Plan : WithoutPayment;

    public Plan? Find(string? name) => name is not null && _byName.TryGetValue(name, out var known) ? known.Plan : null;

    public CreditPack? FindPack(string? name) => Packs.FirstOrDefault(pack => pack.Name == name);

    public Plan? FindSold(string? name) => Find(name) is { IsSold: true } plan ? plan : null;

    public bool IsFree(string name) => this[name].IsFree;

    /// <summary>The name to show for a plan's name in the database.</summary>
    public string NameOf(string stored) => this[stored].Name;

    public UserInfo Shown(UserInfo user) => user with { Plan = NameOf(user.Plan) };

    public Plan At(EffectivePlan effective, DateTimeOffset now) =>
        effective.Until <= now ? this[effective.Then] : this[effective.Name].WithSeats(effective.Seats);

    public string Greater(string one, string? other) => Rank(other) > Rank(one) ? other! : one;

    /// <summary>The place of a plan in the order of size: 0 for the plan without payment, -1 for none.</summary>
    public int Rank(string? plan) => plan is null ? -1 : _byName.TryGetValue(plan, out var known) ? known.Rank : 0;
}
