namespace PyResolve.Client;

/// <summary><c>~/.pyresolve/leases</c>: a folder for each server and account, and a <see cref="LeaseTrust"/> for each key.</summary>
internal sealed class LeaseFolder(string home, Uri apiUrl, string apiKey)
{
    private const string LeaseExtension = ".lease";

    private readonly string _root = Path.Combine(home, "leases");
    private MachineIdentity? _machine;
    private bool? _hasLocks;

    public bool Exists => Directory.Exists(_root);

    public MachineIdentity Machine => _machine ??= MachineIdentity.In(_root, Environment.MachineName);

    private string TrustPath => Path.Combine(_root, FolderName.Of(apiUrl, apiKey) + ".json");

    public LeaseTrust? LoadTrust() => LeaseTrust.Load(TrustPath);

    public void Save(LeaseTrust trust)
    {
        PrivateFile.CreateFolder(_root);
        trust.Save(TrustPath);
    }

    /// <exception cref="MissingLocksException">Another process could spend the same units.</exception>
    public FileStream LockLedger(Guid account) => Checked(PrivateFile.Lock(Path.Combine(Of(account), "ledger.lock")));

    /// <summary>The lock for requests to the server; <see langword="null"/> while another process has it.</summary>
    /// <exception cref="MissingLocksException">Another process could request the same.</exception>
    public FileStream? TryLockRenewal(Guid account)
    {
        try
        {
            return Checked(PrivateFile.OpenOwnerOnly(Path.Combine(Of(account), "renewal.lock")));
        }
        catch (IOException exception) when (PrivateFile.IsInUse(exception))
        {
            return null;
        }
    }

    public IReadOnlyList<string> Leases(Guid account)
    {
        var leases = Directory.GetFiles(Of(account), "*" + LeaseExtension);
        Array.Sort(leases, StringComparer.Ordinal);
        return leases;
    }

    public string LeasePath(Guid account, Guid lease) => Path.Combine(Of(account), lease.ToString("N") + LeaseExtension);

    public string RequestPath(Guid account, MigrationTier tier) => Path.Combine(Of(account), $"asking-{tier.ToWire()}.json");

    private FileStream Checked(FileStream locked)
    {
        _hasLocks ??= PrivateFile.HasLocks(locked.Name);
        if (_hasLocks != false)
            return locked;
        locked.Dispose();
        throw new MissingLocksException(_root);
    }

    private string Of(Guid account)
    {
        var path = Path.Combine(_root, FolderName.Of(apiUrl, account.ToString("D")));
        PrivateFile.CreateFolder(_root);
        PrivateFile.CreateFolder(path);
        return path;
    }
}
