using System.Collections;

namespace PyResolve.Client.Tests.Drivers;

/// <summary>The environment of this process without the variables of the product. Disposing puts them back as they were.</summary>
public sealed class ProcessEnvironment : IDisposable
{
    /// <summary>What <c>./soak</c> tells the tests themselves.</summary>
    private static readonly string[] OfTests = ["PYRESOLVE_SOAK", "PYRESOLVE_PROOFS"];

    private readonly Dictionary<string, string?> _before = Names().ToDictionary(name => name, Environment.GetEnvironmentVariable);

    public ProcessEnvironment() => Clear();

    public static IReadOnlyList<string> Names() => [.. Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
        .Select(variable => (string)variable.Key)
        .Where(name => name.StartsWith("PYRESOLVE_", StringComparison.Ordinal) && !OfTests.Contains(name))];

    public void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    public void Dispose()
    {
        Clear();
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
    }

    private static void Clear()
    {
        foreach (var name in Names())
            Environment.SetEnvironmentVariable(name, null);
    }
}
