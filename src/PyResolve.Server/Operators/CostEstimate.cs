using System.Globalization;

namespace PyResolve.Server.Operators;

/// <summary>The monthly load that the estimate is for.</summary>
/// <param name="Accounts">All of them, paying or not.</param>
/// <param name="Requests">Calls of the API without usage events, a month.</param>
/// <param name="Events">Usage events, a month.</param>
/// <param name="Subscribers">Accounts that pay.</param>
/// <param name="Price">What one pays a month, in US dollars.</param>
internal sealed record CostQuestion(long Accounts, long Requests, long Events, long Subscribers, decimal Price)
{
    public const long Most = 1_000_000_000_000;
    public const decimal HighestPrice = 1_000_000;
    public const int MostMonths = 120;
    public const decimal MachineUnlessSaid = 10;
    public const decimal DiskUnlessSaid = 0.10m;

    public static CostQuestion Example { get; } = new(10_000, 1_000_000, 1_000_000, 300, 19);

    /// <summary>How many months events are kept. The estimate is for a server that has run that long.</summary>
    public int Months { get; init; } = 12;

    /// <summary>US dollars a month for a machine of 2 cores, 4 GB and 40 GB of disk: an assumption, not somebody's price.</summary>
    public decimal Machine { get; init; } = MachineUnlessSaid;

    /// <summary>US dollars a month for each GB of disk more: an assumption too.</summary>
    public decimal Disk { get; init; } = DiskUnlessSaid;
}

/// <summary>A place to run the server, or another service in its place. <c>Monthly</c>: null where no price is published.</summary>
internal sealed record CostLine(string Name, string Made, decimal? Monthly);

/// <summary>A database of a size, at Supabase: cores, GB of memory, US dollars a month.</summary>
internal sealed record SupabaseSize(string Name, int Cores, int Gigabytes, decimal Price);

/// <summary>
/// Estimates what the server and its database need and what that costs. The figures are those of docs/performance.md, rounded up; prices
/// are those of docs/costs.md, with the day on which they were read.
/// </summary>
internal sealed class CostEstimate(CostQuestion question)
{
    public const string PricesReadOn = "2026-11-30";

    /// <summary>The CPU time of a request, or of an event that is sent by itself.</summary>
    private const double ServerSeconds = 150e-6;
    private const double DatabaseSeconds = 100e-6;

    private const double PeakOverAverage = 5;
    private const double MostBusy = 0.5;
    private const double SecondsAMonth = 30 * 86_400;

    /// <summary>The bytes that a stored event takes, with all indexes, which are half of it.</summary>
    private const decimal BytesAnEvent = 600;
    private const decimal BytesAnAccount = 4_000;
    private const decimal Gigabyte = 1e9m;

    private const double MachineCores = 2;
    private const decimal MachineGigabytes = 4;
    private const decimal MachineDisk = 40;
    private const decimal GigabytesAnInstance = 0.25m;

    /// <summary>By size: the first that is large enough is taken.</summary>
    public static IReadOnlyList<SupabaseSize> SupabaseSizes { get; } =
    [
        new("Micro", 2, 1, 10), new("Small", 2, 2, 15), new("Medium", 2, 4, 60), new("Large", 2, 8, 110), new("XL", 4, 16, 210),
        new("2XL", 8, 32, 410), new("4XL", 16, 64, 960), new("8XL", 32, 128, 1_870), new("12XL", 48, 192, 2_800),
        new("16XL", 64, 256, 3_730),
    ];

    public CostQuestion Question => question;

    public double PeakPerSecond => ((double)question.Requests + question.Events) / SecondsAMonth * PeakOverAverage;

    public double ServerCores => PeakPerSecond * ServerSeconds / MostBusy;

    public double DatabaseCores => PeakPerSecond * DatabaseSeconds / MostBusy;

    /// <summary>The memory that the database needs for the indexes of a month's events, into which it writes all the time.</summary>
    public decimal DatabaseGigabytes => decimal.Round(Math.Max(1, StorageAMonth / 2), 2);

    /// <summary>The instances of the server: two, so that one may fail, and more where the load needs them.</summary>
    public int Instances => Math.Max(2, (int)Math.Ceiling(ServerCores / MachineCores));

    public decimal StorageAMonth => decimal.Round(question.Events * BytesAnEvent / Gigabyte, 2);

    /// <summary>The storage when events are as old as they get.</summary>
    public decimal StorageGigabytes => StorageAfter(question.Months);

    public decimal Revenue => question.Subscribers * question.Price;

    /// <summary>Stripe's fees for payments: 2.9 % and 30 cents of each.</summary>
    public decimal StripePayments => Cents(question.Subscribers * ((question.Price * 0.029m) + 0.30m));

    /// <summary>Stripe's fee for billing: 0.7 % of what is billed.</summary>
    public decimal StripeBilling => Cents(Revenue * 0.007m);

    public IReadOnlyList<CostLine> Lines
    {
        get
        {
            var (alone, database) = (
                MachinesFor(ServerCores + DatabaseCores, DatabaseGigabytes + GigabytesAnInstance),
                MachinesFor(DatabaseCores, DatabaseGigabytes));
            return
            [
                new(
                    "one machine", $"{Size(alone)} for server and embedded database; {Prices}",
                    Cents((alone * question.Machine) + DiskMonthly)),
                new(
                    "machines and PostgreSQL", $"{Instances} machines for servers, {Size(database)} for the database; {Prices}",
                    Cents(((Instances + database) * question.Machine) + DiskMonthly)),
                new("Railway", $"Pro $20, which includes $20 of use: {Instances} servers and PostgreSQL", Math.Max(20, RailwayUse)),
                new(
                    "Supabase and Railway",
                    SupabaseDatabase is { } size
                        ? $"Pro $25 with 8 GB, compute {size.Name}, $0.125 for each GB more; the servers on Railway"
                        : "no published size is large enough",
                    Supabase + Math.Max(20, RailwayServers)),
                new("Stripe, payments", "2.9 % and $0.30 of each", StripePayments),
                new("Stripe Billing", "0.7 % of what is billed", StripeBilling),
                new("Unkey, keys alone", "Starter: from $5, which includes $5 of use", 5),
                new("Kong Metering (OpenMeter)", "no price is published", null),
            ];
        }
    }

    /// <param name="months">Of which events are kept.</param>
    public decimal StorageAfter(int months) => decimal.Round(
        ((question.Events * (decimal)months * BytesAnEvent) + (question.Accounts * BytesAnAccount)) / Gigabyte, 2);

    private string Prices => string.Create(
        CultureInfo.InvariantCulture,
        $"assumed: ${question.Machine:0.00##} for {MachineCores} cores and {MachineGigabytes} GB, "
        + $"${question.Disk:0.00##} for a GB of disk over {MachineDisk}");

    private decimal DiskMonthly => Math.Max(0, StorageGigabytes - MachineDisk) * question.Disk;

    /// <summary>Railway's price for the servers: $20 for a core and $10 for a GB of memory, a month.</summary>
    private decimal RailwayServers => Cents(((decimal)ServerCores * 20) + (Instances * GigabytesAnInstance * 10));

    /// <summary>Railway's price for everything, with $0.15 for a GB of a volume.</summary>
    private decimal RailwayUse =>
        Cents(RailwayServers + ((decimal)DatabaseCores * 20) + (DatabaseGigabytes * 10) + (StorageGigabytes * 0.15m));

    private SupabaseSize? SupabaseDatabase =>
        SupabaseSizes.FirstOrDefault(size => size.Cores >= DatabaseCores && size.Gigabytes >= DatabaseGigabytes);

    /// <summary>Supabase's price. The plan has $10 of compute in it.</summary>
    private decimal? Supabase => SupabaseDatabase is { } size
        ? Cents(25 + (size.Price - 10) + (Math.Max(0, StorageGigabytes - 8) * 0.125m))
        : null;

    /// <summary>How many machines of two cores and 4 GB are needed, or how many times as large one machine has to be.</summary>
    private static int MachinesFor(double cores, decimal gigabytes) =>
        Math.Max(1, (int)Math.Max(Math.Ceiling(cores / MachineCores), (double)Math.Ceiling(gigabytes / MachineGigabytes)));

    private static string Size(int machines) => $"{machines * (int)MachineCores} cores and {machines * (int)MachineGigabytes} GB";

    private static decimal Cents(decimal dollars) => decimal.Round(dollars, 2);
}
