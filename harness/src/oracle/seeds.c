/*
 * Preloaded into a user-mode Linux: what the kernel takes from the host's getrandom() comes from a generator with a fixed
 * seed (SplitMix64), so that the kernel draws the same initial sequence numbers, cookies and jitter each time.
 */
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

ssize_t getrandom(void *buffer, size_t length, unsigned int flags)
{
	static uint64_t state = 0x7769726570726f66;
	unsigned char *bytes = buffer;

	(void)flags;
	for (size_t at = 0; at < length; at++) {
		uint64_t mixed = state += 0x9e3779b97f4a7c15;

		mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
		mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
		bytes[at] = (unsigned char)(mixed >> 56);
	}
	return (ssize_t)length;
}
