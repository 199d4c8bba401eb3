using PyResolve.Client;

namespace PyResolve.Testing.State;

/// <summary>Ids with the system's time in them, not the fake clock's: nothing reads it.</summary>
internal static class Ids
{
    public static Guid Create() => Uuid.NewVersion7(TimeProvider.System);
}
