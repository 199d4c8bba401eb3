using PyResolve.Client;

namespace PyResolve.Testing.State;

/// <summary>Ids that the server makes. They tell the system's time, not the fake clock's: nothing is read from them.</summary>
internal static class Ids
{
    public static Guid Create() => Uuid.NewVersion7(TimeProvider.System);
}
