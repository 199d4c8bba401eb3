namespace PyResolve.Server.Commands;

/// <summary>What a month is made of.</summary>
/// <param name="Accounts">All of them, paying or not.</param>
/// <param name="Requests">Calls of the API without usage events, a month.</param>
/// <param name="Events">Usage events, a month.</param>
/// <param name="Subscribers">Accounts that pay.</param>
/// <param name="Price">What one pays a month, in US dollars.</param>
internal sealed record CostQuestion(long Accounts, long Requests, long Events, long Subscribers, decimal Price);

/// <summary>A place to run the server, or another service in its place. <c>Monthly</c>: null where no price is published.</summary>
internal sealed record CostLine(string Name, string Made, decimal? Monthly);

/// <summary>
/// What the server needs and what that costs. The figures of the server are those of docs/performance.md, rounded up; prices are those of
/// docs/costs.md, with the day on which they were read.
/// </summary>
internal sealed class CostEstimate(CostQuestion question)
{
    public const string PricesReadOn = "2026-11-29";

    /// <summary>CPU time of the server and the database together, for a request or an event that is sent by itself.</summary>
    private const double SecondsARequest = 250e-6;

    private const double PeakOverAverage = 5;
    private const double MostBusy = 0.5;
    private const double SecondsAMonth = 30 * 86_400;
    private const double CoresAnInstance = 2;

    /// <summary>With all indexes.</summary>
    private const double BytesAnEvent = 600;

    private const double BytesAnAccount = 4_000;
    private const int MonthsKept = 12;
    private const decimal MachinePrice = 10;
    private const decimal GigabytesAnInstance = 0.25m;
    private const decimal DatabaseGigabytes = 1;

    public double PeakPerSecond => (question.Requests + question.Events) / SecondsAMonth * PeakOverAverage;

    public double Cores => PeakPerSecond * SecondsARequest / MostBusy;

    /// <summary>Two, so that one may fail, and more where the load needs them.</summary>
    public int Instances => Math.Max(2, (int)Math.Ceiling(Cores / CoresAnInstance));

    /// <summary>After a year, events of which are all kept.</summary>
    public decimal StorageGigabytes =>
        decimal.Round((decimal)((question.Events * MonthsKept * BytesAnEvent) + (question.Accounts * BytesAnAccount)) / 1e9m, 2);

    public decimal Revenue => question.Subscribers * question.Price;

    /// <summary>2.9 % and 30 cents of each payment.</summary>
    public decimal StripePayments => Cents(question.Subscribers * ((question.Price * 0.029m) + 0.30m));

    /// <summary>0.7 % of what is billed.</summary>
    public decimal StripeBilling => Cents(Revenue * 0.007m);

    public IReadOnlyList<CostLine> Lines =>
    [
        new("one machine", $"2 cores, 4 GB, the embedded database; ${MachinePrice}", MachinePrice),
        new("machines and PostgreSQL", $"{Instances} machines for servers, 1 for the database", (Instances + 1) * MachinePrice),
        new("Railway", $"Pro $20, which includes $20 of use: {Instances} servers and PostgreSQL", Math.Max(20, RailwayUse)),
        new(
            "Supabase and Railway", "Pro $25 with 8 GB, $0.125 for each GB more; the servers on Railway",
            Supabase + Math.Max(20, RailwayServers)),
        new("Stripe, payments", "2.9 % and $0.30 of each", StripePayments),
        new("Stripe Billing", "0.7 % of what is billed", StripeBilling),
        new("Unkey, keys alone", "Starter: from $5, which includes $5 of use", 5),
        new("Kong Metering (OpenMeter)", "no price is published", null),
    ];

    /// <summary>$20 for a core and $10 for a GB of memory, a month.</summary>
    private decimal RailwayServers => Cents(((decimal)Cores / 2 * 20) + (Instances * GigabytesAnInstance * 10));

    /// <summary>And $0.15 for a GB of a volume.</summary>
    private decimal RailwayUse =>
        Cents(RailwayServers + ((decimal)Cores / 2 * 20) + (DatabaseGigabytes * 10) + (StorageGigabytes * 0.15m));

    private decimal Supabase => Cents(25 + (Math.Max(0, StorageGigabytes - 8) * 0.125m));

    private static decimal Cents(decimal dollars) => decimal.Round(dollars, 2);
}
