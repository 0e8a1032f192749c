package eddy_test
