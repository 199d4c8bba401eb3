#if !NET
namespace System.Runtime.CompilerServices;

/// <summary>What the compiler asks for where a member is init-only; netstandard2.0 has none.</summary>
internal static class IsExternalInit;
#endif
